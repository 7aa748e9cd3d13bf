# What the live tests share; they source it. It makes an empty folder, removed at the end, the
# working directory. Every row that is looked at is printed, so `ctest -V -L live` shows what each
# trap says.
#
# From the environment: LLAMA_SERVER (with-server), STRATOBENCH and MAKE_GGUF (the programs).
# For the two kinds of server the INI gets lines by $cpu and $vulkan (Mesa's lavapipe, which ggml
# skips unless it is named).
set -euo pipefail
shopt -s extglob
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
cd "$folder"
remove=(rm -rf) # what takes the folder away

failed=0
complain() { printf '%s: %s\n' "$(basename "$0")" "$*"; failed=1; }

at_end() {
    local code=$?
    [ "$code" = 0 ] && code=$failed
    [ "$code" = 0 ] || tail -n 200 m.out 2>/dev/null || :
    cd / && "${remove[@]}" "$folder"
    exit "$code"
}
trap at_end EXIT

server="server = $LLAMA_SERVER"
cpu="$server
device = none"
lavapipe="env = GGML_VK_VISIBLE_DEVICES=0"
vulkan="$server
device = Vulkan0
gpu_layers = all
$lavapipe"

for i in 1 2 3; do
    echo "$i: the node in rack $i lost its link, and the pods that ran on it moved to another"
done >prompt.txt

# model NAME [make_gguf option...]: writes NAME.gguf (1.8 MB unless told otherwise).
model() { "$MAKE_GGUF" -o "$1.gguf" --layers 6 --embd 64 --ctx 4096 --name "$1" "${@:2}"; }

# config [KEY = VALUE...] <<INI: writes m.ini: a [bench] of short runs, but for the keys given,
# and the sections of the INI. Answers are off: a model whose weights are a hole has none.
config() {
    local line
    {
        echo "[bench]"
        printf '%s\n' "$@"
        for line in "prompt = prompt.txt" "answers = off" "runs = 2" "warmup = 0" "n_predict = 8" "ctx = 512"; do
            [[ " $* " == *" ${line%% *} = "* || " $* " == *" prompts = "* && $line == prompt* ]] || echo "$line"
        done
        cat
    } >m.ini
}

# measure [run option...]: runs m.ini; $status is the exit code, m.out what was printed.
measure() {
    status=0
    "$STRATOBENCH" run m.ini --force --allow-concurrent "$@" >m.out 2>&1 || status=$?
}

# start [run option...], with the words of $before in front, in the background; at STAGE: until m.out says so, a
# minute at most; await: its end.
start() {
    : >m.out # or `at` would find what the last one said
    # A shell has what it starts in the background ignore SIGINT.
    env --default-signal=INT ${before-} "$STRATOBENCH" run m.ini --force --allow-concurrent -v "$@" >m.out 2>&1 &
    harness=$!
}
at() {
    for _ in {1..1200}; do
        grep -qF "$1" m.out && return
        sleep 0.05
    done
    complain "never came to: $1"
}
await() { status=0; wait $harness || status=$?; }

# row MODEL/BACKEND: its row of the document.
row() {
    awk -v section="## ${1%%/*}" -v label="| ${1#*/} |" \
        '/^## / { here = $0 == section } here && index($0, label) == 1 { print; exit }' m.md
}

# says MODEL/BACKEND TEXT: the row holds TEXT, in which * stands for anything.
says() {
    local have
    have=$(row "$1")
    echo "$1: $have"
    # shellcheck disable=SC2053 # a pattern on purpose
    [[ $have == *$2* ]] || complain "$1 should say: $2"
}

# ok MODEL/BACKEND [TEXT]: the row has a load time, PP and TG, each with its spread; and TEXT.
ok() {
    local figure='[0-9.]+ ±[0-9.]+( [⁰¹²³⁴⁵⁶⁷⁸⁹ ]+)?' have
    says "$1" "${2-}"
    have=$(row "$1")
    [[ $have =~ ^"| ${1#*/} | "[0-9.]+"s | "$figure" | "$figure" |" ]] || complain "$1 should be ok"
}

# refused MODEL/BACKEND TEXT: no figures, and TEXT in place of them.
refused() { says "$1" "| — | — | $2 |"; }

# fact MODEL/BACKEND FILTER: what jq finds in the cell's results.
fact() {
    jq -r --arg m "${1%%/*}" --arg b "${1#*/}" \
        ".cells[] | select(.model.id == \$m and .backend.id == \$b) | $2" m.json
}

# is WANT HAVE WHAT
is() { [ "$1" = "$2" ] || complain "$3: $2, not $1"; }

# servers: how many llama-servers run with a model of this folder.
servers() { pgrep -fc "llama-server.* $folder/" || :; }
