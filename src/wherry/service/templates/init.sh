#!/bin/sh
### BEGIN INIT INFO
# Provides:          wherry
# Required-Start:    $local_fs $remote_fs $network
# Required-Stop:     $local_fs $remote_fs $network
# Should-Start:      $syslog $named $time cgroupfs-mount cgroup-lite nftables firewalld
# Should-Stop:       $syslog cgroupfs-mount cgroup-lite nftables firewalld
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: wherry container engine
# Description:       Starts and stops the engine. Containers go on when it stops,
#                    and are stopped when the machine shuts down.
### END INIT INFO
#
# chkconfig: 2345 95 05
# description: wherry container engine
# processname: wherryd
# config: /etc/wherry/daemon.json
# pidfile: /run/wherry/wherryd.pid
#
# For machines without systemd. Settings are in /etc/wherry/daemon.json; for flags and environment
# variables of wherryd set WHERRYD_OPTIONS, or export HTTPS_PROXY and the like, in /etc/default/wherry
# or /etc/sysconfig/wherry.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

NAME=wherry
PYTHON=@PYTHON@
WHERRYD=@PROGRAMS@/wherryd
WHERRYD_OPTIONS=
PIDFILE=/run/wherry/wherryd.pid
LOGFILE=/var/log/wherry/wherryd.log
# Seconds that a start, a stop, and a stop at shutdown may take.
START_TIMEOUT=120
STOP_TIMEOUT=30
SHUTDOWN_TIMEOUT=90

for file in /etc/default/wherry /etc/sysconfig/wherry; do
	# shellcheck source=/dev/null
	[ -r "$file" ] && . "$file"
done

say() { printf '%s: %s\n' "$NAME" "$*"; }
fail() { printf '%s: %s\n' "$NAME" "$*" >&2; }

# Prints the process ID of the engine; fails when it does not run. A process that has got the number
# of one that died is not taken for it.
running() {
	[ -r "$PIDFILE" ] || return 1
	pid=
	read -r pid <"$PIDFILE" || [ -n "$pid" ] || return 1
	case $pid in '' | *[!0-9]*) return 1 ;; esac
	[ -r "/proc/$pid/cmdline" ] || return 1
	tr '\0' '\n' <"/proc/$pid/cmdline" | grep -q '\(^\|/\)wherryd$' || return 1
	printf '%s\n' "$pid"
}

need_root() {
	[ "$(id -u)" -eq 0 ] && return
	fail "$1: only root can do that"
	exit 4
}

# /run is empty after a boot: make the link again that the docker command's package promises.
link_docker_socket() {
	for conf in /usr/lib/tmpfiles.d/wherry-docker.conf /etc/tmpfiles.d/wherry-docker.conf; do
		if [ -e "$conf" ] && [ ! -e /run/docker.sock ] && [ ! -L /run/docker.sock ]; then
			ln -s wherry/wherry.sock /run/docker.sock
		fi
	done
}

start() {
	need_root start
	if pid=$(running); then
		say "runs already, process ID $pid"
		return 0
	fi
	if [ ! -x "$WHERRYD" ]; then
		fail "$WHERRYD: there is no such program"
		return 5
	fi
	umask 022
	link_docker_socket
	# Returns when the API answers, or says what went wrong.
	# shellcheck disable=SC2086 # options are words
	"$PYTHON" -P -m wherry.service start --log "$LOGFILE" --timeout "$START_TIMEOUT" \
		-- "$WHERRYD" --pidfile "$PIDFILE" $WHERRYD_OPTIONS || return 1
	if [ -d /var/lock/subsys ]; then
		: >/var/lock/subsys/wherry # by which rc of Red Hat's knows what to stop
	fi
	say "started"
}

# The signal, and the seconds to wait.
end() {
	if ! pid=$(running); then
		say "does not run"
		return 0
	fi
	kill -s "$1" "$pid" 2>/dev/null
	waited=0
	while running >/dev/null; do
		if [ "$waited" -ge "$2" ]; then
			fail "process $pid has not ended after $2 seconds; its log is $LOGFILE"
			return 1
		fi
		sleep 1
		waited=$((waited + 1))
	done
	rm -f /var/lock/subsys/wherry
	say "stopped${3:-}"
}

# Containers go on. When the machine goes down they are stopped first, as they want to be stopped.
stop() {
	need_root stop
	case ${RUNLEVEL:-} in
	0 | 6) end PWR "$SHUTDOWN_TIMEOUT" ;;
	*) end TERM "$STOP_TIMEOUT" "; containers go on" ;;
	esac
}

reload() {
	need_root reload
	if ! pid=$(running); then
		fail "does not run"
		return 7
	fi
	# shellcheck disable=SC2086 # options are words
	"$WHERRYD" --validate $WHERRYD_OPTIONS || return 6
	kill -s HUP "$pid"
}

status() {
	if pid=$(running); then
		say "runs, process ID $pid"
	elif [ -e "$PIDFILE" ]; then
		say "is dead; $PIDFILE is still there"
		return 1
	else
		say "does not run"
		return 3
	fi
}

case ${1:-} in
start | stop | reload | status) "$1" ;;
restart | force-reload)
	stop && start
	;;
try-restart | condrestart)
	if running >/dev/null; then
		stop && start
	fi
	;;
*)
	printf 'Usage: %s start|stop|restart|try-restart|reload|force-reload|status\n' "$0" >&2
	exit 2
	;;
esac
exit $?
