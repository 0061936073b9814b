# Runs one throw-away PostgreSQL: $1 the folder of its programs, $2 a folder of its own.
# It lives as long as its standard input is open, so it ends with the process that holds the other end, however that ends.
bin=$1
dir=$2
end() {
    "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
    rm -rf "$dir"
}
"$bin/initdb" -D "$dir/data" -U leadgen -A trust -E UTF8 --no-locale --no-sync --no-instructions >"$dir/log" 2>&1 || { cat "$dir/log"; end; exit 1; }
# fsync is off because the cluster dies with the test; synchronous_commit stays on, the store asks for it.
options="-k $dir -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB"
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -o "$options" start >/dev/null 2>&1 || { cat "$dir/log"; end; exit 1; }
echo ready
while read -r _; do :; done
end
