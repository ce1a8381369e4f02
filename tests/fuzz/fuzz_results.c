/* results.json of an earlier run, as --resume and compare read it -> records, the tables made of
 * them, and a comparison with themselves. */
#include "fuzz_file.h"

#include "results/compare_report.h"
#include "results/tables.h"

static void compare_with_itself(FILE *out) {
    rb_report report;
    rb_likeness likeness;
    rb_comparison comparison;
    rb_error err = {""};
    FUZZ_REQUIRE(rb_report_load(scratch.directory, &report, &err) == RB_OK);
    rb_likeness_find(&report, &report, &likeness);
    FUZZ_REQUIRE(rb_likeness_check(&likeness, false, &err) == RB_OK);
    const rb_status status =
        rb_compare(&report, &report, &rb_compare_default_limits, NULL, &comparison, &err);
    if (status == RB_OK) {
        FUZZ_REQUIRE(rb_comparison_count(&comparison, RB_COMPARED_SLOWER) == 0);
        FUZZ_REQUIRE(rb_comparison_memory_count(&comparison, RB_MEMORY_GREW) == 0);
        const rb_compare_report all = {"A", "B", &report, &report, &likeness, &comparison};
        rb_compare_terminal(&all, out);
        rb_compare_markdown(&all, out);
        rb_comparison_release(&comparison);
    } else {
        FUZZ_REQUIRE(status == RB_ERR_NOT_COMPARABLE || status == RB_ERR_INPUT);
    }
    rb_report_release(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *plan;
    rb_record_list records;
    rb_error err = {""};
    fuzz_file(RB_REPORT_JSON, data, size);
    const rb_status status = rb_report_read(scratch.directory, &plan, &records, &err);
    if (status == RB_OK) {
        FILE *out = fopen("/dev/null", "w");
        FUZZ_REQUIRE(out);
        rb_table_terminal(&records, out);
        rb_table_markdown(&records, "fuzz", out);
        rb_table_csv(&records, out);
        compare_with_itself(out);
        fclose(out);
        json_decref(plan);
    } else {
        FUZZ_REQUIRE(!plan && records.count == 0);
        fuzz_check_refusal(status, &err);
    }
    rb_record_list_release(&records);
    return 0;
}
