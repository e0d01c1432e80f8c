#!/usr/bin/env bash
# A Docker engine where there is none: engine.sh up | down | status
#
#   up      installs docker.io by apt where dockerd is missing, starts it where no engine answers, waits until
#           it does. Prints the address for DOCKER_HOST on standard output.
#   down    stops the engine that `up` started, by its pid, and no other one
#   status  prints the version of the engine that answers, or fails
#
# No systemd, no registry, no bridge and no firewall rules: cells run without a network, so the engine needs none.
# ENGINE_STATE (pid, log, data; default /var/lib/benchledger-engine), ENGINE_RUN (sockets), DOCKER_HOST (unix://…).
set -euo pipefail

state=${ENGINE_STATE:-/var/lib/benchledger-engine}
run=${ENGINE_RUN:-/run/benchledger-engine}
address=${DOCKER_HOST:-unix:///var/run/docker.sock}
socket=${address#unix://}
pidfile=$state/dockerd.pid
log=$state/dockerd.log
ready_seconds=${ENGINE_READY_SECONDS:-60}

say() { echo "engine: $*" >&2; }
die() { say "$*"; exit 3; }

# Python, because neither curl nor the docker command need be there.
request() {
    python3 - "$socket" "$1" <<'PY'
import http.client, socket, sys

connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.settimeout(5)
try:
    connection.sock.connect(sys.argv[1])
    connection.request("GET", sys.argv[2])
    answer = connection.getresponse()
    print(answer.read().decode())
except OSError as error:
    sys.exit(str(error))
sys.exit(answer.status >= 300)
PY
}

answers() { [ -S "$socket" ] && request /_ping >/dev/null 2>&1; }

# alive PIDFILE NAME; the pid may have been given to another program since, or be of a zombie that nobody reaps
alive() {
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] &&
        ! grep -q '^State:.Z' "/proc/$pid/status"
}

install_engine() {
    command -v dockerd >/dev/null && return
    command -v apt-get >/dev/null || die "no dockerd and no apt-get; install a Docker engine by hand"
    say "installing docker.io"
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
    # fsync for every unpacked file would double the time; a lost package is fetched again
    local options=(-qq -o DPkg::Lock::Timeout=240 -o Acquire::Retries=3 -o Dpkg::Options::=--force-unsafe-io)
    apt-get update "${options[@]}" || die "apt-get update failed"
    apt-get install -y --no-install-recommends "${options[@]}" docker.io >"$state/apt.log" 2>&1 ||
        { tail -n 20 "$state/apt.log" >&2; die "apt-get install docker.io failed"; }
}

# Without an init system nothing may have mounted them, and then no limit would hold.
mount_cgroups() {
    awk '$2 ~ "^/sys/fs/cgroup" && $3 ~ "^cgroup" {found = 1} END {exit !found}' /proc/mounts && return
    say "mounting cgroups"
    mount -t tmpfs -o mode=0755 cgroup /sys/fs/cgroup
    local name
    for name in $(awk '!/^#/ && $4 == 1 {print $1}' /proc/cgroups); do
        mkdir -p "/sys/fs/cgroup/$name"
        mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" || rmdir "/sys/fs/cgroup/$name"
    done
}

up() {
    if answers; then say "answers on $socket"; echo "unix://$socket"; return; fi
    [ "$(id -u)" = 0 ] || die "no engine on $socket, and only root can start one"
    mkdir -p "$state" "$run" "$(dirname "$socket")"
    install_engine
    mount_cgroups
    # an engine that was killed leaves both, and would not start again
    local old="$run/exec/containerd/containerd.pid"
    alive "$pidfile" dockerd || rm -f "$pidfile"
    alive "$old" containerd || rm -f "$old"
    # in a session of its own and with none of our descriptors: it outlives this step and holds no pipe open
    setsid dockerd --host "unix://$socket" --data-root "$state/data" --exec-root "$run/exec" \
        --pidfile "$pidfile" --bridge none --iptables=false --ip6tables=false --log-level warn \
        ${ENGINE_OPTIONS:-} >>"$log" 2>&1 </dev/null &
    local end=$((SECONDS + ready_seconds)) started=$!
    until answers; do
        [ -d "/proc/$started" ] ||
            { tail -n 20 "$log" >&2; die "dockerd ended, see $log"; }
        [ "$SECONDS" -lt "$end" ] || { tail -n 20 "$log" >&2; die "not ready after $ready_seconds s, see $log"; }
        sleep 0.1
    done
    say "started on $socket, pid $(cat "$pidfile")"
    echo "unix://$socket"
}

down() {
    alive "$pidfile" dockerd || { say "none of ours is running"; rm -f "$pidfile"; return; }
    local pid end=$((SECONDS + 30))
    pid=$(cat "$pidfile")
    kill -TERM "$pid"
    while alive "$pidfile" dockerd && [ "$SECONDS" -lt "$end" ]; do sleep 0.1; done
    if alive "$pidfile" dockerd; then kill -KILL "$pid"; die "did not stop in 30 s: killed pid $pid"; fi
    say "stopped pid $pid"
}

case ${1:-} in
    up) up ;;
    down) down ;;
    status) answers || die "none answers on $socket; start one: $0 up"; request /version ;;
    *) echo "usage: $0 up | down | status" >&2; exit 2 ;;
esac
