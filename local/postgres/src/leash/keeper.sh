# Runs a command until it ends, or until the process at the other end of standard input lets go or dies.
exec 3<&0 </dev/null

"$@" 3<&- &
command=$!

# Asks the command to end and waits: "end SIGNAL SECONDS".
end() {
    kill -s "$1" "$command" 2>/dev/null || exit 0
    tenths=$(($2 * 10))
    while [ "$tenths" -gt 0 ]; do
        kill -0 "$command" 2>/dev/null || exit 0
        sleep 0.1
        tenths=$((tenths - 1))
    done
}

(
    # Nothing is ever written, so this ends when the other side is gone.
    read -r _ <&3
    end INT 4
    end QUIT 2
    end KILL 1
) &
watch=$!
exec 3<&-

wait "$command"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
