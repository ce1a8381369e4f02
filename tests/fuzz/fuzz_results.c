/* results.json of an earlier run, as --resume reads it -> records, and the tables made of them. */
#include "fuzz_file.h"

#include "results/report.h"
#include "results/tables.h"

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
        fclose(out);
        json_decref(plan);
    } else {
        FUZZ_REQUIRE(!plan && records.count == 0);
        fuzz_check_refusal(status, &err);
    }
    rb_record_list_release(&records);
    return 0;
}
