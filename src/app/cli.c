#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "overwrite.h"
#include "stratobench/base.h"
#include "stratobench/text.h"
#include "terminal.h"

static void say(const char *command, const char *message, const char *end) {
    struct sb_buf clean = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_add_printable(&clean, message, strlen(message));
    fprintf(stderr, "stratobench %s: %s%s\n", command, sb_buf_str(&clean), end);
    sb_buf_release(&clean);
}

int sb_cli_fail(const char *command, const char *message) {
    say(command, message, "");
    return SB_EXIT_USAGE;
}

int sb_cli_usage_error(const char *command, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *message = sb_vasprintf(fmt, ap),
         *where = sb_asprintf("; see stratobench %s --help", command);
    va_end(ap);
    say(command, message, where);
    free(message);
    free(where);
    return SB_EXIT_USAGE;
}

int sb_cli_check_svg(const char *command, const char *name) {
    size_t n = strlen(name);
    if (strcmp(name, "-") == 0 || (n > 4 && strcmp(name + n - 4, ".svg") == 0))
        return 0;
    return sb_cli_usage_error(command, "'%s' does not end in .svg; nothing was written", name);
}

int sb_cli_print(const char *command, const struct sb_buf *text) {
    errno = 0;
    if (fwrite(sb_buf_str(text), 1, text->len, stdout) == text->len && fflush(stdout) == 0)
        return SB_EXIT_OK;
    fprintf(stderr, "stratobench %s: standard output: %s\n", command, strerror(errno));
    return SB_EXIT_USAGE;
}

size_t sb_cli_columns(void) {
    size_t columns = sb_terminal_columns(STDOUT_FILENO);
    return columns == SIZE_MAX ? 0 : columns;
}

int sb_cli_print_lines(const char *command, const struct sb_buf *text) {
    struct sb_buf wrapped = SB_BUF_INIT(SB_TEXT_MAX);
    sb_text_wrap(&wrapped, sb_buf_str(text), sb_terminal_columns(STDOUT_FILENO));
    int rc = sb_cli_print(command, &wrapped);
    sb_buf_release(&wrapped);
    return rc;
}

int sb_cli_write(const char *command, const char *path, const struct sb_buf *text) {
    if (!path || strcmp(path, "-") == 0)
        return sb_cli_print(command, text);
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    int rc = SB_EXIT_OK;
    if (sb_may_overwrite(path, SB_OURS_DERIVED, &error) < 0 ||
        sb_file_write(path, sb_buf_str(text), text->len, &error) < 0)
        rc = sb_cli_fail(command, sb_buf_str(&error));
    sb_buf_release(&error);
    return rc;
}
