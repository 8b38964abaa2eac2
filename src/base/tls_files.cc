// SPDX-License-Identifier: Apache-2.0
#include "base/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr std::string_view kCertificate = "certificate";
constexpr std::string_view kKey = "pkey";
constexpr std::string_view kAuthorities = "clientcas";

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;

Status Wrong(std::string_view option, const std::string& path, std::string_view reason) {
  std::string message(option);
  message.append(": ").append(path).append(": ").append(reason);
  return Status::FailedPrecondition(std::move(message));
}

// The oldest reason of OpenSSL in this thread; none is left behind.
std::string TakeReason() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

Bio Memory(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL would ask on the terminal for the passphrase.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*for_writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<std::string> Read(std::string_view option, const std::string& path) {
  if (path.empty()) return std::string();
  auto content = ReadFile(FileSystem::Real(), path);
  if (content.ok()) return content;
  return Status::FailedPrecondition(content.status().WithContext(option).message());
}

// All certificates of the text, at least one.
Result<std::vector<Certificate>> Parse(std::string_view option, const std::string& path,
                                       const std::string& text) {
  const Bio bio = Memory(text);
  std::vector<Certificate> certificates;
  ERR_clear_error();
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(next);
  }
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = TakeReason();
  if (!end) return Wrong(option, path, "damaged PEM certificate: " + reason);
  if (certificates.empty()) return Wrong(option, path, "no PEM certificate in it");
  return certificates;
}

Result<Key> ParseKey(const std::string& path, const std::string& text) {
  bool encrypted = false;
  const Bio bio = Memory(text);
  ERR_clear_error();
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, &encrypted));
  const std::string reason = key == nullptr ? TakeReason() : "";
  if (key != nullptr) return key;
  if (encrypted) return Wrong(kKey, path, "the key is encrypted; one without passphrase is needed");
  if (text.find("PRIVATE KEY-----") == std::string::npos) {
    return Wrong(kKey, path, "no PEM private key in it");
  }
  return Wrong(kKey, path, "damaged PEM private key: " + reason);
}

// Would OpenSSL serve this pair? It refuses keys that are too short, for example.
Status CheckPair(const TlsPaths& paths, const TlsPem& pem) {
  const auto chain = Parse(kCertificate, paths.certificate, pem.certificate);
  IMMUDB_RETURN_IF_ERROR(chain);
  const auto key = ParseKey(paths.key, pem.key);
  IMMUDB_RETURN_IF_ERROR(key);
  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    ERR_clear_error();
    return Wrong(kKey, paths.key, "does not belong to the certificate " + paths.certificate);
  }
  const Context context(SSL_CTX_new(TLS_method()));
  if (context == nullptr) return Status::Internal(TakeReason());
  if (SSL_CTX_use_certificate(context.get(), chain->front().get()) != 1) {
    return Wrong(kCertificate, paths.certificate, TakeReason());
  }
  if (SSL_CTX_use_PrivateKey(context.get(), key->get()) != 1) {
    return Wrong(kKey, paths.key, TakeReason());
  }
  return Status::Ok();
}

std::string TimeOf(const ASN1_TIME* time) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (ASN1_TIME_print(bio.get(), time) != 1) return "an unreadable time";
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::string SubjectOf(const X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

void AddWarnings(std::string_view option, const std::string& path, const std::string& text,
                 std::time_t now, std::vector<std::string>* warnings) {
  if (text.empty()) return;
  const auto certificates = Parse(option, path, text);
  if (!certificates.ok()) return;
  for (const auto& certificate : *certificates) {
    const ASN1_TIME* begin = X509_get0_notBefore(certificate.get());
    const ASN1_TIME* end = X509_get0_notAfter(certificate.get());
    std::string fault;
    if (X509_cmp_time(end, &now) < 0) {
      fault = "expired on " + TimeOf(end);
    } else if (X509_cmp_time(begin, &now) > 0) {
      fault = "is not valid before " + TimeOf(begin);
    } else {
      continue;
    }
    warnings->push_back(Wrong(option, path, SubjectOf(certificate.get()) + " " + fault).message());
  }
}

}  // namespace

Result<TlsPem> ReadTlsFiles(const TlsPaths& paths) {
  auto certificate = Read(kCertificate, paths.certificate);
  IMMUDB_RETURN_IF_ERROR(certificate);
  auto key = Read(kKey, paths.key);
  IMMUDB_RETURN_IF_ERROR(key);
  auto authorities = Read(kAuthorities, paths.authorities);
  IMMUDB_RETURN_IF_ERROR(authorities);
  return TlsPem{*std::move(certificate), *std::move(key), *std::move(authorities)};
}

Status CheckTls(const TlsPaths& paths, const TlsPem& pem) {
  if (paths.certificate.empty() != paths.key.empty()) {
    return Status::FailedPrecondition("certificate and pkey are needed together");
  }
  if (!paths.certificate.empty()) IMMUDB_RETURN_IF_ERROR(CheckPair(paths, pem));
  if (paths.authorities.empty()) return Status::Ok();
  return Parse(kAuthorities, paths.authorities, pem.authorities).status();
}

std::vector<std::string> ValidityWarnings(const TlsPaths& paths, const TlsPem& pem,
                                          std::time_t now) {
  std::vector<std::string> warnings;
  AddWarnings(kCertificate, paths.certificate, pem.certificate, now, &warnings);
  AddWarnings(kAuthorities, paths.authorities, pem.authorities, now, &warnings);
  return warnings;
}

}  // namespace immudb
