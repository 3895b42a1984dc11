# Removes a folder once the process at the other end of standard input lets go or dies.
# Arguments: the folder, and the file that is there as long as a server runs in it.
folder=$1
pid_file=$2

read -r _

tenths=90
while [ -e "$pid_file" ] && [ "$tenths" -gt 0 ]; do
    sleep 0.1
    tenths=$((tenths - 1))
done

# More than once, for somebody may still be writing to it.
tenths=50
while [ "$tenths" -gt 0 ]; do
    rm -rf "$folder"
    [ -e "$folder" ] || exit 0
    sleep 0.1
    tenths=$((tenths - 1))
done
exit 1
