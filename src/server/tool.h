/* What a command goes through on its way to a llama-server. Private to the room. */
#ifndef STRATOBENCH_SERVER_TOOL_H
#define STRATOBENCH_SERVER_TOOL_H

#include "stratobench/server.h"

/* The words that begin `podman run ...`, found in a command. */
struct server_tool {
    bool makes_container; /* a new one, which we name, and remove at the end */
    bool lets_env_through;
    size_t verb;                      /* the place of its `run` */
    const char *remove[4], *identity; /* words after the tool's own; a format of its `inspect` */
};
/* False: the command starts the server itself, or a wrapper of which nothing is known. */
bool server_tool_find(const struct sb_strv *command, struct server_tool *ret);
/* The tool's own words, then `words`, then the container's name. */
void server_tool_words(const struct sb_strv *command, const struct server_tool *t,
                       const char *const *words, const char *name, struct sb_strv *ret);
/* The process in the container of that name, as the tool tells it; 0 unknown. */
pid_t server_tool_pid(const struct sb_strv *command, const struct server_tool *t, const char *name);

enum { SERVER_NAME_BYTES = 32 };
/* "stratobench-" and what nobody guesses: an alias, a container's name. */
void server_random_name(char ret[SERVER_NAME_BYTES]);
void server_random_hex(char *ret, size_t bytes); /* 2 digits a byte, at most 32, and a NUL */

#endif
