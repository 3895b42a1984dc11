# Removes a folder once the process at the other end of standard input lets go or dies.
# Arguments: the folder, the file that is there as long as a server runs in it, and the command that removes the folder.
folder=$1
pid_file=$2
remove=$3

read -r _

tenths=90
while [ -e "$pid_file" ] && [ "$tenths" -gt 0 ]; do
    sleep 0.1
    tenths=$((tenths - 1))
done

# More than once, for somebody may still be writing to it, or removing what is in it.
tenths=50
while [ "$tenths" -gt 0 ]; do
    $remove "$folder"
    [ -e "$folder" ] || exit 0
    sleep 0.1
    tenths=$((tenths - 1))
done
exit 1
