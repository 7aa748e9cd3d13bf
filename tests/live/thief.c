/* Another user of the machine, nobody where we may choose: waits for a port's number in the file
 * "port", takes the port and says so by a file "taken"; answers every request with 200, and keeps
 * what it was asked in the file "seen". */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static int await_port(void) {
    for (int port = 0;; usleep(1000)) {
        FILE *f = fopen("port", "r");
        bool known = f && fscanf(f, "%d", &port) == 1;
        if (f)
            fclose(f);
        if (known)
            return port;
    }
}

int main(void) {
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    int port = await_port(), on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    int seen = open("seen", O_WRONLY | O_CREAT, 0644), taken = -1;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (geteuid() == 0 && setuid(NOBODY) != 0)
        return 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 8) != 0)
        return 1;
    taken = open("taken", O_WRONLY | O_CREAT, 0644);
    if (taken < 0)
        return 1;
    for (;;) {
        char text[4096];
        int client = accept(fd, NULL, NULL);
        ssize_t n = recv(client, text, sizeof text, 0);
        if (n > 0 && (write(seen, text, (size_t)n) < 0 || send(client, ok, sizeof ok - 1, 0) < 0))
            return 1;
        close(client);
    }
}
