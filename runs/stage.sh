# For recipes to read in: stages of the run in the folder $RUN, none of which is done twice.
stage() { # stage NAME COMMAND...   NAME is one word: it is the name of the file that says that it is done
    name=$1; shift
    test -e "$RUN/done-$name" && return
    began=$(date +%s)
    echo "== $name"
    "$@"
    echo "== $name took $(( ($(date +%s) - began + 30) / 60 )) min"
    touch "$RUN/done-$name"
}
