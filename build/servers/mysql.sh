#!/bin/sh
# Runs a MySQL or a MariaDB whose programs are in a folder: what fetch.sh brought, or an unpacked binary distribution (bin/,
# share/). It is small, and nothing of it is safe against a power cut, on purpose. As root it runs as root.
#   mysql.sh version PROGRAMS
#   mysql.sh init PROGRAMS DATA                   makes an empty data folder
#   mysql.sh run PROGRAMS DATA PORT [OPTION…]     in the foreground, until TERM ends it; user, password and database: test
# DATA is an absolute path. The socket and the pid file, server.pid, are beside it.
set -eu
verb=$1
programs=$(cd "$2" && pwd)

if [ -x "$programs/bin/mysqld" ]; then
  family=mysql base=$programs program="$programs/bin/mysqld"
elif [ -x "$programs/usr/sbin/mariadbd" ]; then
  family=mariadb base=$programs/usr program="$programs/usr/sbin/mariadbd"
else
  family=mysql base=$programs/usr program="$programs/usr/sbin/mysqld"
fi
# under the C library that came with it, which may be newer than the machine's
loader= libraries=
for folder in "$programs"/lib/*-linux-gnu "$programs"/usr/lib/*-linux-gnu; do
  [ -d "$folder" ] || continue
  libraries=$libraries:$folder
  for file in "$folder"/ld-linux-*.so.*; do
    [ ! -x "$file" ] || loader=$file
  done
done
[ -z "$loader" ] || program="$loader --library-path ${libraries#:} $program"

common="--no-defaults --basedir=$base --loose-innodb-log-file-size=16M --innodb-buffer-pool-size=64M"
[ "$(id -u)" != 0 ] || common="$common --user=root" # it refuses to run as root by mistake
if [ $family = mysql ]; then
  # loose: 8.0.12 does not know it, and the later ones not the size of a file
  common="$common --loose-innodb-redo-log-capacity=16M --innodb-doublewrite=0 --skip-log-bin --mysqlx=OFF"
  # performance_schema shows the locks; its statistics cost a third of the server's memory
  common="$common --performance-schema-error-size=0 --performance-schema-digests-size=0"
  common="$common --performance-schema-max-memory-classes=0"
else
  common="$common --lc-messages-dir=$base/share/mysql --plugin-dir=$base/lib/mysql/plugin"
fi

case $verb in
version)
  exec $program --no-defaults --version
  ;;
init)
  data=$3
  mkdir -p "$data"
  if [ $family = mysql ]; then
    exec $program $common --datadir="$data" --initialize-insecure
  fi
  {
    echo 'create database if not exists mysql;'
    echo 'use mysql;'
    for part in mysql_system_tables mysql_performance_tables mysql_system_tables_data; do
      cat "$base/share/mysql/$part.sql"
    done | grep -v @current_hostname
    cat "$base/share/mysql/mysql_sys_schema.sql"
  } | $program $common --datadir="$data" --bootstrap
  ;;
run)
  data=$3 port=$4
  shift 4
  beside=${data%/*}
  cat >"$beside/users.sql" <<'EOF'
CREATE DATABASE IF NOT EXISTS test;
CREATE USER IF NOT EXISTS 'test'@'%' IDENTIFIED BY 'test';
GRANT ALL ON *.* TO 'test'@'%' WITH GRANT OPTION;
EOF
  exec $program $common --datadir="$data" --init-file="$beside/users.sql" \
    --port="$port" --bind-address=127.0.0.1 --skip-name-resolve --socket="$beside/socket" --pid-file="$beside/server.pid" \
    --secure-file-priv= --max-connections=200 --table-open-cache=400 --table-definition-cache=400 --key-buffer-size=1M \
    --innodb-log-buffer-size=4M --innodb-flush-log-at-trx-commit=0 "$@"
  ;;
*)
  echo "mysql.sh version|init|run …" >&2
  exit 2
  ;;
esac
