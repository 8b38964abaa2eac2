// SPDX-License-Identifier: Apache-2.0
//
// One connection of the HTTP endpoint. Included by http_endpoint.cc alone: Boost.Beast takes long
// to compile.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/optional.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "monitoring/http_endpoint.h"
#include "monitoring/http_pages.h"

namespace immudb {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;

// Method and target of a request. Its fields are checked, and lead to keep_alive(), chunked() and
// content_length(), but none is kept: whatever they ask for is not done.
class RequestHead final : public http::basic_parser<true> {
 public:
  explicit RequestHead(size_t max_bytes) : max_bytes_(max_bytes) {
    header_limit(static_cast<uint32_t>(max_bytes));
    body_limit(std::numeric_limits<uint64_t>::max());  // a body is refused by its announcement
  }

  http::verb method = http::verb::unknown;
  std::string target = {};

  bool HasBody() const { return chunked() || content_length().value_or(0) > 0; }

 private:
  using View = boost::beast::string_view;
  void on_request_impl(http::verb verb, View /*method*/, View path, int /*version*/,
                       error_code& /*error*/) override {
    method = verb;
    target.assign(path.data(), path.size());
    bytes_ += path.size();
  }
  void on_response_impl(int, View, int, error_code&) override {}
  // The limit of the library is for what it has not taken apart yet.
  void on_field_impl(http::field, View name, View value, error_code& error) override {
    bytes_ += name.size() + value.size() + 4;
    if (bytes_ > max_bytes_) error = http::error::header_limit;
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(View body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, View, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, View body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}

  const size_t max_bytes_;
  size_t bytes_ = 0;
};

// What the connections of an endpoint have in common.
class Connection;
struct ConnectionHost {
  const HttpEndpointOptions& options;
  HttpPages& pages;
  std::function<void(Connection*)> ended;  // does not throw
  std::function<void()> released;          // a reply was let go; does not throw
};

// A connection from its accept to its end, whatever its stream is. Used by the serving thread.
//
//   handshaking -> reading -> asking -> writing -> reading ...
//                                               -> closing -> ended
//
// Each state but `asking` has a deadline, after which the connection ends.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual void Begin() noexcept = 0;
  // Closes the socket and tells the host, once.
  virtual void End() noexcept = 0;

  // Does it wait for its client to ask something?
  bool is_idle() const { return state_ == State::kReading || state_ == State::kClosing; }
  bool is_writing() const { return state_ == State::kWriting; }
  // When it came into its state.
  std::chrono::steady_clock::time_point since() const { return since_; }
  const boost::asio::ip::address& peer() const { return peer_; }

 protected:
  enum class State : uint8_t { kReading, kAsking, kWriting, kClosing, kEnded };

  explicit Connection(boost::asio::ip::address peer) : peer_(std::move(peer)) {}
  void Enter(State state) {
    state_ = state;
    since_ = std::chrono::steady_clock::now();
  }

  State state_ = State::kReading;  // the handshake belongs to it
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();

 private:
  const boost::asio::ip::address peer_;
};

using PlainStream = boost::beast::tcp_stream;
using TlsStream = boost::asio::ssl::stream<boost::beast::tcp_stream>;

template <typename Stream>
class HttpConnection final : public Connection {
 public:
  template <typename... Arguments>
  HttpConnection(const ConnectionHost& host, boost::asio::ip::address peer,
                 Arguments&&... of_stream)
      : Connection(std::move(peer)),
        host_(host),
        stream_(std::forward<Arguments>(of_stream)...),
        buffer_(host.options.max_request_bytes) {}

  void Begin() noexcept override {
    Guarded([this] {
      Socket().expires_after(host_.options.request_timeout);
      if constexpr (kIsTls) {
        stream_.async_handshake(boost::asio::ssl::stream_base::server,
                                Then(&HttpConnection::OnHandshake));
      } else {
        Read();
      }
    });
  }

  void End() noexcept override {
    if (state_ == State::kEnded) return;
    const auto self = shared_from_this();
    state_ = State::kEnded;
    host_.pages.Forget(this);
    host_.ended(this);
    try {
      Socket().close();
    } catch (...) {  // of the timer: the socket is closed before
    }
  }

 private:
  static constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;
  static constexpr std::chrono::milliseconds kCloseTimeout{1000};
  static constexpr size_t kMaxDrainedBytes = size_t{64} << 10;

  // Runs a step. One that fails, for want of memory for example, ends this connection and no other.
  template <typename Step>
  void Guarded(const Step& step) noexcept {
    if (state_ == State::kEnded) return;
    try {
      step();
    } catch (...) {
      End();
    }
  }

  // A handler that goes on with `step`, and keeps this object until then.
  template <typename... Results>
  auto Then(void (HttpConnection::*step)(Results...)) {
    return [self = std::static_pointer_cast<HttpConnection>(shared_from_this()), step](
               const auto&... results) { self->Guarded([&] { (self.get()->*step)(results...); }); };
  }

  PlainStream& Socket() {
    if constexpr (kIsTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void OnHandshake(error_code error) {
    if (error) return End();
    Read();
  }

  void Read() {
    Enter(State::kReading);
    head_.emplace(host_.options.max_request_bytes);
    http::async_read_header(stream_, buffer_, *head_, Then(&HttpConnection::OnHead));
  }

  void OnHead(error_code error, size_t /*bytes*/) {
    if (error) return OnBadHead(error);
    keep_alive_ = head_->keep_alive() && !head_->HasBody();
    with_body_ = head_->method != http::verb::head;
    if (with_body_ && head_->method != http::verb::get) {
      return Refuse(405, "only GET and HEAD are answered", "Allow: GET, HEAD\r\n");
    }
    if (head_->HasBody()) return Refuse(413, "a request must not have a body");
    Enter(State::kAsking);
    host_.pages.Ask(head_->target, this, [weak = weak_from_this(), this](const auto& reply) {
      const auto self = weak.lock();
      if (self != nullptr) Guarded([&] { Answer(reply, ""); });
    });
  }

  void OnBadHead(error_code error) {
    const bool of_http = error.category() == make_error_code(http::error::bad_method).category();
    const bool gone = error == http::error::end_of_stream || error == http::error::partial_message;
    if (!of_http || gone) return End();
    with_body_ = true;
    keep_alive_ = false;
    const bool too_large =
        error == http::error::header_limit || error == http::error::buffer_overflow;
    if (too_large) return Refuse(431, "request line and header are too long");
    Refuse(400, "not a request of HTTP/1.1: " + error.message());
  }

  void Refuse(int status, const std::string& reason, std::string_view fields = "") {
    keep_alive_ = false;
    auto reply = std::make_shared<HttpReply>(
        HttpReply{.status = status, .body = std::to_string(status) + ' ' + reason + '\n'});
    Answer(std::move(reply), fields);
  }

  void Answer(std::shared_ptr<const HttpReply> reply, std::string_view fields) {
    reply_ = std::move(reply);
    answer_head_ = "HTTP/1.1 " + std::to_string(reply_->status) + ' ';
    answer_head_ += http::obsolete_reason(static_cast<http::status>(reply_->status)).to_string();
    answer_head_ += "\r\nContent-Type: " + reply_->content_type;
    answer_head_ += "\r\nContent-Length: " + std::to_string(reply_->body.size());
    answer_head_ += keep_alive_ ? "\r\nConnection: keep-alive\r\n" : "\r\nConnection: close\r\n";
    answer_head_ += fields;
    answer_head_ += "\r\n";
    Enter(State::kWriting);
    Socket().expires_after(host_.options.answer_timeout);
    const std::array<boost::asio::const_buffer, 2> parts = {
        boost::asio::buffer(answer_head_),
        boost::asio::buffer(reply_->body.data(), with_body_ ? reply_->body.size() : 0)};
    boost::asio::async_write(stream_, parts,
                             [self = shared_from_this(), this](error_code error, size_t /*bytes*/) {
                               reply_.reset();
                               host_.released();  // also by a connection that has ended meanwhile
                               Guarded([&] { OnAnswered(error); });
                             });
  }

  void OnAnswered(error_code error) {
    if (error) return End();
    if (!keep_alive_) return Close();
    Socket().expires_after(host_.options.idle_timeout);
    Read();
  }

  // A socket that is closed while bytes of the client are unread resets the connection, and the
  // client may lose the answer. So they are read first, some of them.
  void Close() {
    Enter(State::kClosing);
    Socket().expires_after(kCloseTimeout);
    if constexpr (kIsTls) {
      stream_.async_shutdown(Then(&HttpConnection::OnTlsClosed));
    } else {
      OnTlsClosed({});
    }
  }

  void OnTlsClosed(error_code /*error*/) {
    error_code ignored;
    Socket().socket().shutdown(tcp::socket::shutdown_send, ignored);
    Drain();
  }

  void Drain() {
    buffer_.clear();
    Socket().async_read_some(buffer_.prepare(host_.options.max_request_bytes),
                             Then(&HttpConnection::OnDrained));
  }

  void OnDrained(error_code error, size_t bytes) {
    drained_bytes_ += bytes;
    if (error || drained_bytes_ > kMaxDrainedBytes) return End();
    Drain();
  }

  const ConnectionHost& host_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;  // what was read and not looked at
  std::optional<RequestHead> head_;
  bool keep_alive_ = false;
  bool with_body_ = true;  // of the answer: HEAD has none
  std::string answer_head_;
  std::shared_ptr<const HttpReply> reply_;
  size_t drained_bytes_ = 0;
};

}  // namespace immudb
