// How libtorch's threads wait is settled here before any library begins; passive.go
// says what for. A function in .preinit_array runs before the first constructor,
// libgomp's included, and before the C library is ready, so that it calls nothing.
// The environment has no room for one more entry by then: one that says nothing to
// this program, the shell's last argument or last folder, gives way.

static int begins(const char *s, const char *with) {
    while (*with)
        if (*s++ != *with++) return 0;
    return 1;
}

static void settle(int argc, char **argv, char **envp) {
    static char passive[] = "OMP_WAIT_POLICY=passive";
    char **room = 0;
    (void)argc, (void)argv;
    for (char **e = envp; *e; e++) {
        if (begins(*e, "OMP_WAIT_POLICY=") || begins(*e, "GOMP_SPINCOUNT=")) return; // the user's own
        if (begins(*e, "_=") || begins(*e, "OLDPWD=")) room = e;
    }
    if (room) *room = passive;
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = settle;
