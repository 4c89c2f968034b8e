// Certificates made by the test itself.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace unbolt::http::testing {

// A key with its certificate, signed by `issuer`, or by itself where that is null.
class Certificate {
 public:
  // `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"; empty for an authority.
  Certificate(const std::string& common_name, const std::string& names, const Certificate* issuer)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), x509_(X509_new(), X509_free) {
    static long serial = 1;
    X509* x = x509_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
    const Certificate& signer = issuer ? *issuer : *this;
    X509_set_issuer_name(x, X509_get_subject_name(signer.x509_.get()));
    extend(signer, NID_basic_constraints, names.empty() ? "critical,CA:TRUE" : "CA:FALSE");
    if (!names.empty()) extend(signer, NID_subject_alt_name, names);
    X509_sign(x, signer.key_.get(), EVP_sha256());
  }

  std::string pem() const {
    return text([&](BIO* out) { PEM_write_bio_X509(out, x509_.get()); });
  }
  std::string key_pem() const {
    return text([&](BIO* out) {
      PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

 private:
  void extend(const Certificate& signer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer.x509_.get(), x509_.get(), nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    X509_add_ext(x509_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  template <class Write>
  static std::string text(Write write) {
    std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    write(out.get());
    char* data = nullptr;
    long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> x509_;
};

}  // namespace unbolt::http::testing
