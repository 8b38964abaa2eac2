// SPDX-License-Identifier: Apache-2.0
#include "client/tls_diagnosis.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace immudb {
namespace {

constexpr int kConnectMs = 2000;
constexpr timeval kReadTimeout{2, 0};

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  const int& get() const { return fd_; }

 private:
  const int fd_;
};

// Brackets are how a port is set apart, not part of an address.
std::string HostOf(const std::string& address) {
  const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
  return bracketed ? address.substr(1, address.size() - 2) : address;
}

bool ConnectIn(int fd, const addrinfo& to, int timeout_ms) {
  if (::connect(fd, to.ai_addr, to.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd writable{fd, POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof(error);
  return ::poll(&writable, 1, timeout_ms) == 1 &&
         ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

// A connected, blocking socket with a timeout of reads and writes; -1 if there is none to be had.
int Connect(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return -1;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  for (const addrinfo* to = found; to != nullptr; to = to->ai_next) {
    const int fd = ::socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) continue;
    if (ConnectIn(fd, *to, kConnectMs)) {
      ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kReadTimeout, sizeof(kReadTimeout));
      ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kReadTimeout, sizeof(kReadTimeout));
      return fd;
    }
    ::close(fd);
  }
  return -1;
}

// OpenSSL writes to sockets with write(2): if the server closed first, the signal of it would end
// the program that uses the SDK.
int SendWithoutSignal(BIO* bio, const char* data, int size) {
  const int fd = *static_cast<const int*>(BIO_get_data(bio));
  return static_cast<int>(::send(fd, data, static_cast<size_t>(size), MSG_NOSIGNAL));
}
long Control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}
struct FreeMethod {
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};
using WriteMethod = std::unique_ptr<BIO_METHOD, FreeMethod>;

WriteMethod MakeWriteMethod() {
  WriteMethod method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket"));
  if (method != nullptr) {
    BIO_meth_set_write(method.get(), SendWithoutSignal);
    BIO_meth_set_ctrl(method.get(), Control);
  }
  return method;
}

using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Connection = std::unique_ptr<SSL, FreeSsl>;

// Called when the server asks for a certificate, whether there is one or not.
int NoteDemand(SSL* /*ssl*/, void* demanded) {
  *static_cast<bool*>(demanded) = true;
  return 1;
}

// As the client itself would do it; the files were found to be right before.
Context ContextOf(const ClientOptions& options, bool* demanded) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr || !options.tls) return context;
  SSL_CTX_set_cert_cb(context.get(), NoteDemand, demanded);
  const TlsOptions& tls = *options.tls;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (tls.authorities.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else {
    SSL_CTX_load_verify_locations(context.get(), tls.authorities.c_str(), nullptr);
  }
  if (!tls.certificate.empty()) {
    SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), tls.key.c_str(), SSL_FILETYPE_PEM);
  }
  return context;
}

// `fd` and `method` must outlive it.
Connection ConnectionOf(SSL_CTX* context, const BIO_METHOD* method, const int& fd,
                        const std::string& name) {
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  Connection ssl(SSL_new(context));
  BIO* const input = BIO_new_socket(fd, BIO_NOCLOSE);
  BIO* const output = BIO_new(method);
  if (ssl == nullptr || input == nullptr || output == nullptr) {
    BIO_free(input);
    BIO_free(output);
    return nullptr;
  }
  BIO_set_data(output, const_cast<int*>(&fd));
  BIO_set_init(output, 1);
  SSL_set_bio(ssl.get(), input, output);
  SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof(kHttp2));
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str()) != 1) {
    SSL_set1_host(ssl.get(), name.c_str());
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  }
  ERR_clear_error();
  return ssl;
}

// What a failed handshake, or read, says about the server. One of gRPC ends the connection without
// an alert when it does not like the client's certificate.
std::string Explain(const SSL* ssl, const std::string& name, bool demanded, bool shown) {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const char* text = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  if (const long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK) {
    const bool other_name =
        verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH;
    if (other_name) {
      return "TLS: the server's certificate is not for " + name +
             "; if it is the right server, option servername says which name it is for";
    }
    return std::string("TLS: the server's certificate is not accepted: ") +
           X509_verify_cert_error_string(verdict);
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER) return "TLS: the server does not speak TLS";
  if (demanded && !shown) return "TLS: the server demands a client certificate";
  const std::string why = text == nullptr ? "the connection was closed" : text;
  if (demanded) return "TLS: the server does not accept the client certificate: " + why;
  return text == nullptr ? "" : "TLS: " + why;
}

}  // namespace

std::string DiagnoseTls(const ClientOptions& options) {
  if (options.address.starts_with("unix:")) return "";
  const std::string host = HostOf(options.address);
  const Socket socket(Connect(host, options.port));
  bool demanded = false;
  const Context context = ContextOf(options, &demanded);
  if (socket.get() < 0 || context == nullptr) return "";
  const bool named = options.tls && !options.tls->server_name.empty();
  const std::string name = named ? options.tls->server_name : host;
  const WriteMethod method = MakeWriteMethod();
  const Connection ssl = ConnectionOf(context.get(), method.get(), socket.get(), name);
  if (ssl == nullptr) return "";
  const bool connected = SSL_connect(ssl.get()) == 1;
  if (!options.tls) {
    ERR_clear_error();
    return connected ? "the server speaks TLS, this client was told no TLS options" : "";
  }
  const bool shown = !options.tls->certificate.empty();
  if (!connected) return Explain(ssl.get(), name, demanded, shown);
  // The server judges the client's certificate after our side of a TLS 1.3 handshake is done.
  char byte = 0;
  return SSL_read(ssl.get(), &byte, 1) == 1 ? "" : Explain(ssl.get(), name, demanded, shown);
}

}  // namespace immudb
