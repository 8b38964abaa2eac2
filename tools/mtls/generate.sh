#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Certificates for TLS, in the folders where immudb and its clients look for them by default.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: generate.sh [--out DIR] [--days N] [--force] [NAME_OR_IP ...]

Makes a certificate authority (once), and with it a certificate for the server and one for a
client. All names and addresses given are subject alternative names of both; the first one names
the files. Without any: localhost, which stands for localhost, 127.0.0.1 and ::1.

  --out DIR   where to put them (default: the folder of this script)
  --days N    how long server and client certificate are valid (default: 365)
  --force     replace a server and client certificate that exist; the authority is kept

  1_root/          certs/ca.cert.pem            private/ca.key.pem (keep it offline)
  2_intermediate/  certs/ca-chain.cert.pem      private/intermediate.key.pem
  3_application/   certs/NAME.cert.pem          private/NAME.key.pem    (server)
  4_client/        certs/NAME.cert.pem          private/NAME.key.pem    (client)
USAGE
}

fail() {
  printf 'generate.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

# The authority outlives what it signs.
readonly authority_days=3650

# Work in progress, in the target's file system so that finished files are moved at once.
work=""
cleanup() {
  if [ -n "$work" ]; then rm -rf -- "$work"; fi
}
trap cleanup EXIT

# run COMMAND...: its output is shown only if it fails.
run() {
  local output
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" >&2
    fail "failed: $*"
  fi
}

# new_key FILE
new_key() {
  (umask 077 && run openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1")
}

# sign KEY SUBJECT EXTENSIONS DAYS OUT [CA_CERTIFICATE CA_KEY]: self-signed without an authority.
sign() {
  local key=$1 subject=$2 extensions=$3 days=$4 out=$5
  local issuer=(-signkey "$key")
  printf '[v3]\n%s\n' "$extensions" >"$work/extensions"
  run openssl req -new -config /dev/null -subj "$subject" -key "$key" -out "$work/request"
  if [ $# -gt 5 ]; then issuer=(-CA "$6" -CAkey "$7"); fi
  run openssl x509 -req -in "$work/request" -sha256 -days "$days" \
    -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions" -extensions v3 \
    "${issuer[@]}" -out "$out"
}

# install_file MODE SOURCE TARGET
install_file() {
  chmod "$1" "$2"
  mkdir -p -- "$(dirname -- "$3")"
  mv -f -- "$2" "$3"
}

make_authority() {
  local ca_extensions
  ca_extensions='subjectKeyIdentifier = hash
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign'
  new_key "$work/root.key"
  sign "$work/root.key" "/O=immudb/CN=immudb root CA" "$ca_extensions" \
    "$authority_days" "$work/root.cert"
  new_key "$work/intermediate.key"
  sign "$work/intermediate.key" "/O=immudb/CN=immudb intermediate CA" \
    "${ca_extensions/CA:true/CA:true, pathlen:0}" \
    "$authority_days" "$work/intermediate.cert" "$work/root.cert" "$work/root.key"
  cat "$work/intermediate.cert" "$work/root.cert" >"$work/chain"

  install_file 600 "$work/root.key" "$out/1_root/private/ca.key.pem"
  install_file 644 "$work/root.cert" "$out/1_root/certs/ca.cert.pem"
  install_file 644 "$work/intermediate.cert" "$intermediate_certificate"
  install_file 644 "$work/chain" "$out/2_intermediate/certs/ca-chain.cert.pem"
  # Last: with it the authority is complete.
  install_file 600 "$work/intermediate.key" "$intermediate_key"
}

# make_certificate FOLDER USAGE: the key, and the certificate followed by the intermediate one.
make_certificate() {
  local folder=$1 use=$2
  new_key "$work/key"
  sign "$work/key" "/O=immudb/CN=$name" "basicConstraints = critical, CA:false
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature
extendedKeyUsage = $use
subjectAltName = $alternatives" "$days" "$work/cert" "$intermediate_certificate" "$intermediate_key"
  cat "$intermediate_certificate" >>"$work/cert"
  install_file 600 "$work/key" "$out/$folder/private/$name.key.pem"
  install_file 644 "$work/cert" "$out/$folder/certs/$name.cert.pem"
}

# alternative NAME_OR_IP: as subjectAltName wants it.
alternative() {
  if [[ $1 =~ ^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$ || $1 == *:* ]]; then
    printf 'IP:%s' "$1"
  else
    printf 'DNS:%s' "$1"
  fi
}

out=$(cd -- "$(dirname -- "${BASH_SOURCE[0]:-$0}")" && pwd)
days=365
force=false
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --out | --days)
      [ $# -gt 1 ] || fail "$1 needs a value" 2
      if [ "$1" = --out ]; then out=$2; else days=$2; fi
      shift
      ;;
    --out=*) out=${1#*=} ;;
    --days=*) days=${1#*=} ;;
    --force) force=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) fail "unknown option $1 (see --help)" 2 ;;
    *) names+=("$1") ;;
  esac
  shift
done
[ ${#names[@]} -gt 0 ] || names=(localhost)
if ! [[ $days =~ ^[1-9][0-9]{0,3}$ ]] || [ "$days" -gt "$authority_days" ]; then
  fail "--days: must be between 1 and $authority_days, not $days" 2
fi

alternatives=""
for each in "${names[@]}"; do
  [[ $each =~ ^[A-Za-z0-9:][A-Za-z0-9.:_-]*$ ]] || fail "not a host name or an IP address: $each" 2
  alternatives+="${alternatives:+,}$(alternative "$each")"
  if [ "$each" = localhost ]; then alternatives+=",IP:127.0.0.1,IP:::1"; fi
done
name=${names[0]}
# The longest common name that X.509 allows.
[ ${#name} -le 64 ] || fail "the first name must have at most 64 characters: $name" 2

command -v openssl >/dev/null || fail "the openssl command is needed (Debian: apt-get install openssl)"
[ -n "$out" ] || fail "--out: it is empty" 2
mkdir -p -- "$out" || fail "cannot make $out"
work=$(mktemp -d -- "$out/.generate.XXXXXX") || fail "cannot write to $out"

intermediate_certificate=$out/2_intermediate/certs/intermediate.cert.pem
intermediate_key=$out/2_intermediate/private/intermediate.key.pem
if [ "$force" = false ]; then
  for folder in 3_application 4_client; do
    for file in "$out/$folder/certs/$name.cert.pem" "$out/$folder/private/$name.key.pem"; do
      [ ! -e "$file" ] || fail "$file exists; --force replaces it"
    done
  done
fi
if [ -e "$intermediate_key" ]; then
  [ -e "$intermediate_certificate" ] || fail "$intermediate_certificate is missing"
elif [ -e "$out/1_root/private/ca.key.pem" ]; then
  fail "$intermediate_key is missing; remove $out/1_root to make a new authority"
else
  make_authority
fi
make_certificate 3_application serverAuth
make_certificate 4_client clientAuth

printf '%s\n' \
  "authority  $out/2_intermediate/certs/ca-chain.cert.pem" \
  "server     $out/3_application/certs/$name.cert.pem" \
  "           $out/3_application/private/$name.key.pem" \
  "client     $out/4_client/certs/$name.cert.pem" \
  "           $out/4_client/private/$name.key.pem"
