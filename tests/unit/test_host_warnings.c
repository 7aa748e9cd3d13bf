/* What is wrong with a machine as it is now. */
#include "host_fixture.h"

static void test_warnings(void **state) {
    const char *root = *state;
    put_strix_halo(root);
    assert_warning(root, ""); /* powersave with a preference of performance is fast */
    static const struct {
        const char *path, *text, *want;
    } cases[] = {
        {"/proc/loadavg", "3.14 1.0 1.0 4/900 1\n", "load average is 3.1"},
        {"/proc/meminfo", "MemTotal: 1000000 kB\nSwapTotal: 8388608 kB\nSwapFree: 4194304 kB\n",
         "4.0 GiB of swap is in use"},
        {"/proc/pressure/cpu", "some avg10=61.09 avg60=0\n", "waited for a CPU in 61 %"},
        {"/proc/pressure/memory", "some avg10=12.00 avg60=0\n", "12 % of the last 10 s"},
        {"/sys/firmware/acpi/platform_profile", "low-power\n", "platform profile is low-power"},
        {CPU "/cpu0/cpufreq/energy_performance_preference", "balance_power\n",
         "energy preference is balance_power"},
        {CPU "/cpu1/cpufreq/scaling_governor", "conservative\n",
         "governor is powersave,conservative"},
        {CARD "/gpu_busy_percent", "45\n", "GPU card1 is 45 % busy"},
        {CARD "/power_dpm_force_performance_level", "low\n", "GPU card1 is held"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(root, cases[i].path, cases[i].text);
        char *text = warnings_of(root);
        if (strchr(text, '\n') != strrchr(text, '\n')) /* each cause gives one warning */
            fail_msg("more than \"%s\":\n%s", cases[i].want, text);
        free(text);
        assert_warning(root, cases[i].want);
        put_strix_halo(root);
    }
}

static void test_governor_without_preference(void **state) {
    put(*state, CPU "/cpu0/cpufreq/scaling_governor", "powersave\n");
    assert_warning(*state, "governor is powersave");
    put(*state, CPU "/cpu0/cpufreq/scaling_governor", "schedutil\n");
    assert_warning(*state, "");
}

static void test_battery(void **state) {
    const char *root = *state;
    put_strix_halo(root);
    put(root, "/sys/class/power_supply/AC/online", "0\n");
    put(root, "/sys/class/power_supply/BAT0/status", "Discharging\n");
    assert_warning(root, "runs on battery");
    struct sb_fact *host = sb_host_probe(root, NULL);
    assert_true(sb_fact_of(host, "on_battery")->number == 1);
    assert_int_equal(length(sb_fact_of(host, "warnings")), 1);
    sb_facts_free(host);

    put(root, "/sys/class/power_supply/BAT0/scope", "Device\n"); /* a mouse */
    assert_warning(root, "");
    host = sb_host_probe(root, NULL);
    assert_null(sb_fact_of(host, "on_battery"));
    sb_facts_free(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_ROOT(test_warnings),
        IN_ROOT(test_governor_without_preference),
        IN_ROOT(test_battery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
