#!/bin/sh
# Brings programs from a Debian mirror into a folder: packages with all that they depend on, the C library too. Nothing is
# installed and nothing of the machine changes, so any user can do it, wherever there is apt.
#   fetch.sh SUITE FOLDER PACKAGE…          such as: fetch.sh sid /tmp/mysql mysql-server-core
set -eu
suite=$1 folder=$2
shift 2
keys=/usr/share/keyrings/debian-archive-keyring.gpg

die() {
  echo "$1" >&2
  exit 1
}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die "there are no apt-get and dpkg-deb on this machine"
[ -r "$keys" ] || die "there is no $keys on this machine (package debian-archive-keyring)"

# the mirror that is named, or the one that the machine is set up for
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/$')} ||
  die "this machine is set up for no Debian mirror: name one by its URL in DEBIAN_MIRROR"

mkdir -p "$folder"
cd "$folder"
apt=$PWD/apt
rm -rf "$apt"
mkdir -p "$apt/etc/preferences.d" "$apt/lists/partial" "$apt/archives/partial"
echo "deb [signed-by=$keys] $mirror $suite main" >"$apt/etc/sources.list"
# The database of installed packages is ours and all but empty, so that apt gets everything. What is in it, the servers run
# without.
for known in perl openssl-provider-legacy; do
  cat <<EOF
Package: $known
Status: install ok installed
Maintainer: nobody
Architecture: $(dpkg --print-architecture)
Multi-Arch: allowed
Version: 99:0
Description: not needed

EOF
done >"$apt/status"
cat >"$apt/apt.conf" <<EOF
Dir::Etc "$apt/etc";
Dir::Etc::parts "/etc/apt/apt.conf.d";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Debug::NoLocking "1";
APT::Sandbox::User "";
APT::Install-Recommends "0";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
EOF
# read after the machine's own settings: its hooks are not for us
echo '#clear APT::Update::Pre-Invoke; #clear APT::Update::Post-Invoke; #clear APT::Update::Post-Invoke-Success; #clear DPkg::Pre-Invoke; #clear DPkg::Post-Invoke;' \
  >"$apt/etc/apt.conf"
export APT_CONFIG="$apt/apt.conf"
apt-get -qq -o APT::Update::Error-Mode=any update
apt-get -qq -y --download-only install "$@"
for deb in "$apt"/archives/*.deb; do
  dpkg-deb -x "$deb" .
done
rm -rf "$apt" usr/share/doc usr/share/man usr/share/locale usr/bin usr/lib/mysql/plugin/debug
