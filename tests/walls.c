/* Linked with the whole of one room and with the rooms it names, nothing else (tests/CMakeLists.txt):
 * a room that calls upwards is an undefined symbol, and the build fails. */
int main(void) {
    return 0;
}
