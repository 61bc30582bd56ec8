#include "tests/support/certificate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace bellhop::test {

namespace {

template <auto Free>
struct freed {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};

using key_ptr = std::unique_ptr<EVP_PKEY, freed<&EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed<&X509_free>>;
using bio_ptr = std::unique_ptr<BIO, freed<&BIO_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed<&X509_EXTENSION_free>>;

constexpr long day_seconds = 24 * 60 * 60;

void require(bool ok, const char* what) {
  if (!ok)
    throw std::runtime_error(what);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  const extension_ptr extension{X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str())};
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "a certificate's extension");
}

bool is_address(const std::string& name) {
  return name.find_first_not_of("0123456789.") == name.npos;
}

} // namespace

certificate_and_key make_certificate(const std::string& name, bool expired) {
  const key_ptr key{EVP_EC_gen("P-256")};
  const certificate_ptr certificate{X509_new()};
  require(key != nullptr && certificate != nullptr, "a key");
  auto* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -2 * day_seconds);
  X509_gmtime_adj(X509_getm_notAfter(x509), expired ? -day_seconds : day_seconds);
  X509_set_pubkey(x509, key.get());
  auto* const subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(x509, subject);
  add_extension(x509, NID_subject_alt_name, (is_address(name) ? "IP:" : "DNS:") + name);
  add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
  require(X509_sign(x509, key.get(), EVP_sha256()) > 0, "a certificate's signature");

  const bio_ptr certificate_text{BIO_new(BIO_s_mem())};
  const bio_ptr key_text{BIO_new(BIO_s_mem())};
  require(PEM_write_bio_X509(certificate_text.get(), x509) == 1, "a certificate's text");
  require(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "a key's text");
  return {text_of(certificate_text.get()), text_of(key_text.get())};
}

} // namespace bellhop::test
