#include "agents/model_watch.h"
#include "agents/rule.h"
#include "agents/ubjson.h"
#include "os/clock.h"

#include "check.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

/* One tree: is feature `at` below `limit`? Then -2, else 2. What is left of it goes where it is not known. */
#define TREE(at, limit, left, right)                                                                                                        \
    "{\"base_weights\":[0.0,-2.0,2.0],\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],\"categories_sizes\":[],"               \
    "\"default_left\":[1,0,0],\"id\":0,\"left_children\":[" left ",-1,-1],\"loss_changes\":[8.0,0.0,0.0],\"parents\":[2147483647,0,0],"            \
    "\"right_children\":[" right ",-1,-1],\"split_conditions\":[" limit ",-2.0,2.0],\"split_indices\":[" at ",0,0],\"split_type\":[0,0,0],"      \
    "\"sum_hessian\":[8.0,4.0,4.0],\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"2\",\"num_nodes\":\"3\",\"size_leaf_vector\":\"0\"}}"
#define MODEL_WITH(names, tree, booster, classes)                                                                                           \
    "{\"learner\":{\"attributes\":{},\"feature_names\":" names ",\"feature_types\":[],\"gradient_booster\":{\"model\":"                      \
    "{\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"1\",\"size_leaf_vector\":\"0\"},\"tree_info\":[0],\"trees\":[" tree \
    "]},\"name\":\"" booster "\"},\"learner_model_param\":{\"base_score\":\"5E-1\",\"num_class\":\"" classes "\",\"num_feature\":\"2\","      \
    "\"num_target\":\"1\"},\"objective\":{\"name\":\"binary:logistic\",\"reg_loss_param\":{\"scale_pos_weight\":\"1\"}}},\"version\":[1,7,4]}"
#define NAMES "[\"velocity\",\"amount\"]"
#define MODEL(at, limit) MODEL_WITH(NAMES, TREE(at, limit, "1", "2"), "gbtree", "0")

static char directory[] = "/tmp/tailrace-model-test-XXXXXX";
static char path[64];
static struct error failure;

static int begin(void **context)
{
    (void)context;
    if (mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(path, sizeof(path), "%s/model.json", directory);
    return 0;
}

static int end(void **context)
{
    (void)context;
    (void)unlink(path);
    return rmdir(directory);
}

/* As programs put a new model into place: whole. */
static void model_write(const char *text, size_t size)
{
    char next[80];
    FILE *file;

    (void)snprintf(next, sizeof(next), "%s.next", path);
    file = fopen(next, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, path), 0);
}

static void need_xgboost(void)
{
    if (model_why_not() != NULL)
        skip();
}

/* ---- Files ---- */

static void refused(const char *text, const char *why)
{
    struct model_facts facts;

    assert_int_equal(model_file_read(slice_from_string(text), &facts, NULL, &failure), ERROR_BAD_INPUT);
    if (strstr(failure.message, why) == NULL)
        fail_msg("\"%s\" says nothing of \"%s\"", failure.message, why);
}

TEST(a_file_tells_its_features_and_what_each_gains)
{
    struct model_facts facts;

    assert_int_equal(model_file_read(slice_from_string(MODEL("1", "100.0")), &facts, NULL, &failure), OK);
    assert_int_equal(facts.feature_count, 2);
    assert_string_equal(facts.names[1], "amount");
    assert_true(facts.gains[0] == 0 && facts.gains[1] == 1);
    assert_string_equal(facts.objective, "binary:logistic");
    assert_int_equal(facts.tree_count, 1);
    model_facts_finish(&facts);
}

TEST(what_cannot_be_scored_is_refused_with_the_reason)
{
    refused("", "neither JSON nor UBJSON");
    refused("{\"learner\":", "JSON, at byte 11");
    refused("{}", "\"learner\" is missing");
    refused(MODEL_WITH("[\"one\"]", TREE("0", "1.0", "1", "2"), "gbtree", "0"), "2 features and names for 1");
    refused(MODEL_WITH(NAMES, TREE("0", "1.0", "1", "2"), "gblinear", "0"), "only gbtree");
    refused(MODEL_WITH(NAMES, TREE("0", "1.0", "1", "2"), "gbtree", "3"), "gives 3 numbers for a row");
}

TEST(trees_that_lead_nowhere_or_in_circles_are_refused)
{
    refused(MODEL("2", "100.0"), "tree 0: node 0 asks for feature 2 of 2");
    refused(MODEL_WITH(NAMES, TREE("0", "1.0", "1", "3"), "gbtree", "0"), "node 0 leads to node 3");
    refused(MODEL_WITH(NAMES, TREE("0", "1.0", "0", "2"), "gbtree", "0"), "node 0 leads to node 0");
    refused(MODEL_WITH(NAMES, TREE("0", "1.0", "1", "1"), "gbtree", "0"), "node 0 leads to node 1");
    refused(MODEL_WITH(NAMES, TREE("0", "1.0", "1", "-1"), "gbtree", "0"), "node 0 leads to node -1");
    refused(MODEL_WITH(NAMES, TREE("0", "1.0", "1,-1", "2"), "gbtree", "0"), "\"left_children\"");
}

TEST(a_file_cut_anywhere_is_refused)
{
    static const char text[] = MODEL("0", "5.5");
    struct model_facts facts;

    for (size_t size = 0; size < sizeof(text) - 1; size++)
        assert_int_equal(model_file_read(slice_of(text, size), &facts, NULL, &failure), ERROR_BAD_INPUT);
}

TEST(ubjson_is_read_with_every_length_checked)
{
    static const char whole[] = "{L\0\0\0\0\0\0\0\1aSU\2hi"
                                "i\1b[$d#L\0\0\0\0\0\0\0\2\x3f\x80\0\0\xc0\0\0\0"
                                "i\1c[#i\2I\xff\xfeTi\1d[l\0\1\0\0Z]}";
    struct slice bytes = slice_of(whole, sizeof(whole) - 1);
    json_t *root;

    assert_int_equal(ubjson_read(bytes, &root, &failure), OK);
    assert_string_equal(json_string_value(json_object_get(root, "a")), "hi");
    assert_true(json_real_value(json_array_get(json_object_get(root, "b"), 1)) == -2);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(root, "c"), 0)), -2);
    assert_true(json_is_true(json_array_get(json_object_get(root, "c"), 1)));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(root, "d"), 0)), 65536);
    json_decref(root);
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(ubjson_read(slice_of(whole, size), &root, &failure), ERROR_BAD_INPUT);
    assert_int_equal(ubjson_read(slice_of("{L\x7f\xff\xff\xff\xff\xff\xff\xff", 10), &root, &failure), ERROR_BAD_INPUT);
    assert_non_null(strstr(failure.message, "a length that fits into the file"));
    assert_int_equal(ubjson_read(slice_of("[$d#L\x1f\xff\xff\xff\xff\xff\xff\xff", 13), &root, &failure), ERROR_BAD_INPUT);
    assert_int_equal(ubjson_read(slice_of("[$Z#i\2", 6), &root, &failure), ERROR_BAD_INPUT);
}

TEST(ubjson_that_goes_too_deep_is_refused)
{
    char deep[400];
    json_t *root;

    memset(deep, '[', sizeof(deep));
    assert_int_equal(ubjson_read(slice_of(deep, sizeof(deep)), &root, &failure), ERROR_BAD_INPUT);
    assert_non_null(strstr(failure.message, "less depth"));
}

/* ---- Scores ---- */

TEST(a_model_scores_and_says_what_each_feature_added)
{
    const float low[] = {3, 50}, high[] = {3, 150}, unknown[] = {3, NAN};
    struct model *model;
    double score, weights[2];

    need_xgboost();
    model_write(MODEL("1", "100.0"), strlen(MODEL("1", "100.0")));
    if (model_load(path, &model, &failure) != OK)
        fail_msg("%s", failure.message);
    assert_int_equal(strlen(model_version(model)), MODEL_VERSION_DIGITS);
    assert_int_equal(model_predict(model, low, &score, &failure), OK);
    assert_true(fabs(score - 1 / (1 + exp(2))) < 1e-6);
    assert_int_equal(model_predict(model, high, &score, &failure), OK);
    assert_true(fabs(score - 1 / (1 + exp(-2))) < 1e-6);
    assert_int_equal(model_predict(model, unknown, &score, &failure), OK);
    assert_true(fabs(score - 1 / (1 + exp(2))) < 1e-6);
    assert_int_equal(model_explain(model, high, weights, &failure), OK);
    assert_true(weights[0] == 0 && fabs(weights[1] - 2) < 1e-5);
    model_destroy(model);
}

TEST(a_file_of_a_newer_xgboost_scores_the_same)
{
    static const char text[] = MODEL("1", "100.0");
    const char *base = strstr(text, "\"5E-1\"");
    const float low[] = {3, 50};
    struct model *model;
    double score;
    char newer[sizeof(text) + 16];

    need_xgboost();
    (void)snprintf(newer, sizeof(newer), "%.*s\"[2E-1]\"%s", (int)(base - text), text, base + strlen("\"5E-1\""));
    model_write(newer, strlen(newer));
    if (model_load(path, &model, &failure) != OK)
        fail_msg("%s", failure.message);
    assert_int_equal(model_predict(model, low, &score, &failure), OK);
    assert_true(fabs(score - 1 / (1 + exp(2 - log(0.2 / 0.8)))) < 1e-6);
    model_destroy(model);
    (void)snprintf(newer, sizeof(newer), "%.*s\"[1,2]\"%s", (int)(base - text), text, base + strlen("\"5E-1\""));
    refused(newer, "base_score");
}

TEST(a_missing_or_broken_file_is_said_with_its_name)
{
    struct model *model;

    need_xgboost();
    (void)unlink(path);
    assert_int_equal(model_load(path, &model, &failure), ERROR_MODEL);
    assert_non_null(strstr(failure.message, path));
    model_write("{\"learner\":1}", 13);
    assert_int_equal(model_load(path, &model, &failure), ERROR_MODEL);
    assert_non_null(strstr(failure.message, "\"learner\" is missing"));
}

/* Looks until the model's version is another one, or something is wrong with its file. */
static void wait_for_change(struct model_watch *watch, const char *version)
{
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(model_watch_look(watch, &failure), OK);
        if (model_watch_trouble(watch) != NULL || strcmp(model_version(model_watch_model(watch)), version) != 0)
            return;
        clock_sleep_ms(10);
    }
    fail_msg("nothing has changed");
}

TEST(a_changed_file_takes_over_and_a_broken_one_does_not)
{
    const float row[] = {3, 150};
    struct model_watch *watch;
    char first[MODEL_VERSION_DIGITS + 1];
    double score;

    need_xgboost();
    watch = model_watch_create(path, NULL, NULL);
    (void)unlink(path);
    assert_int_equal(model_watch_look(watch, &failure), ERROR_MODEL);
    assert_null(model_watch_model(watch));
    model_write(MODEL("1", "100.0"), strlen(MODEL("1", "100.0")));
    assert_int_equal(model_watch_look(watch, &failure), OK);
    (void)snprintf(first, sizeof(first), "%s", model_version(model_watch_model(watch)));
    model_write(MODEL("1", "100.0"), 200); /* half of it */
    wait_for_change(watch, first);
    assert_non_null(strstr(model_watch_trouble(watch), "JSON"));
    assert_string_equal(model_version(model_watch_model(watch)), first);
    model_write(MODEL("1", "200.0"), strlen(MODEL("1", "200.0")));
    for (int i = 0; i < 1000 && strcmp(model_version(model_watch_model(watch)), first) == 0; i++) {
        assert_int_equal(model_watch_look(watch, &failure), OK);
        clock_sleep_ms(10);
    }
    assert_string_not_equal(model_version(model_watch_model(watch)), first);
    assert_null(model_watch_trouble(watch));
    assert_int_equal(model_predict(model_watch_model(watch), row, &score, &failure), OK);
    assert_true(score < 0.5);
    model_watch_destroy(watch);
}

/* ---- The rule ---- */

static struct change_decoder *decoder;
static struct arena arena;

static enum status rule_open(void **rule, const char *first, const char *second)
{
    const struct rule_kind *kind = rule_find("model");
    struct properties settings;
    enum status status;

    properties_init(&settings);
    assert_int_equal(properties_set_assignment(&settings, first, &failure), OK);
    if (second != NULL)
        assert_int_equal(properties_set_assignment(&settings, second, &failure), OK);
    status = kind->create(kind, &settings, rule, &failure);
    properties_finish(&settings);
    return status == OK ? kind->refresh(*rule, &failure) : status;
}

static enum status row_judge(void *rule, struct state_table *states, const char *message, double seconds, struct rule_verdict *verdict)
{
    struct change change;
    struct rule_event event;

    assert_int_equal(change_decode(decoder, slice_from_string(message), &arena, &change, &failure), OK);
    event = (struct rule_event){.change = &change, .row = change.after, .key = slice_from_string("7"), .topic = "t", .wants_line = true,
                                .time_us = 1000000000000000 + (int64_t)(seconds * 1e6)};
    *verdict = (struct rule_verdict){RULE_IGNORED};
    return rule_find("model")->judge(rule, &event, states, &arena, verdict, &failure);
}

TEST(the_rule_alerts_above_its_threshold_and_explains_itself)
{
    struct state_limits limits = {0};
    struct state_table *states = state_create(&limits);
    struct rule_verdict verdict;
    const char *trouble;
    char assignment[80];
    void *rule;

    need_xgboost();
    decoder = change_decoder_create();
    arena_init(&arena, 4096);
    model_write(MODEL("0", "2.5"), strlen(MODEL("0", "2.5")));
    (void)snprintf(assignment, sizeof(assignment), "model=%s", path);
    if (rule_open(&rule, assignment, NULL) != OK)
        fail_msg("%s", failure.message);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(row_judge(rule, states, "{\"id\":1,\"user_id\":7,\"amount\":\"12.50\"}", i, &verdict), OK);
        assert_int_equal(verdict.outcome, RULE_NORMAL);
    }
    assert_string_equal(verdict.line, "✅ Transaction OK: 1 (Score: 0.119203)");
    assert_int_equal(row_judge(rule, states, "{\"id\":2,\"user_id\":7,\"amount\":\"12.50\"}", 59, &verdict), OK);
    assert_int_equal(verdict.outcome, RULE_ALERT);
    assert_string_equal(verdict.line, "⚠️ HIGH FRAUD ALERT: User 7 | Score: 0.880797 | Amt: 12.50");
    assert_string_equal(verdict.alert.title, "User 7 scored 0.880797, the limit is 0.5");
    assert_string_equal(verdict.alert.model, rule_find("model")->model(rule, &trouble));
    assert_int_equal(verdict.alert.feature_count, 2);
    assert_string_equal(verdict.alert.features[0].name, "velocity");
    assert_string_equal(verdict.alert.features[0].value, "3");
    assert_true(verdict.alert.features[0].weight > 1.9 && verdict.alert.features[1].weight == 0);
    assert_int_equal(verdict.alert.input_count, 3);
    assert_int_equal(row_judge(rule, states, "{\"id\":3,\"user_id\":7,\"amount\":\"12.50\"}", 120, &verdict), OK);
    assert_int_equal(verdict.outcome, RULE_NORMAL);
    assert_int_equal(row_judge(rule, states, "{\"id\":3,\"user_id\":7,\"amount\":null}", 121, &verdict), ERROR_BAD_INPUT);
    rule_find("model")->destroy(rule);
    state_destroy(states);
    change_decoder_destroy(decoder);
    arena_finish(&arena);
}

static void rule_refused(const char *first, const char *second, const char *why)
{
    void *rule = NULL;

    assert_int_not_equal(rule_open(&rule, first, second), OK);
    if (strstr(failure.message, why) == NULL)
        fail_msg("\"%s\" says nothing of \"%s\"", failure.message, why);
    if (rule != NULL)
        rule_find("model")->destroy(rule);
}

TEST(features_that_are_not_the_models_are_said)
{
    char assignment[80];
    void *rule;

    (void)snprintf(assignment, sizeof(assignment), "model=%s", path);
    rule_refused("threshold=1", NULL, "setting model is missing");
    rule_refused(assignment, "features=velocity,colour", "there is no feature \"colour\"; there are: amount, velocity");
    rule_refused(assignment, "features=velocity.x", "the window has to be 1 to");
    need_xgboost();
    model_write(MODEL("0", "2.5"), strlen(MODEL("0", "2.5")));
    rule_refused(assignment, "features=amount,velocity", "the model's features are velocity, amount; the setting features names amount, velocity");
    rule_refused(assignment, "features=velocity", "give the same, in the same order");
    assert_int_equal(rule_open(&rule, assignment, "features=velocity=velocity.3600, amount=sum"), OK);
    rule_find("model")->destroy(rule);
    model_write(MODEL_WITH("[]", TREE("0", "1.0", "1", "2"), "gbtree", "0"), strlen(MODEL_WITH("[]", TREE("0", "1.0", "1", "2"), "gbtree", "0")));
    rule_refused(assignment, NULL, "the model does not name its 2 features");
    rule_refused(assignment, "features=velocity", "the model has 2 features, the setting features names 1: velocity");
    model_write(MODEL_WITH("[\"a\",\"b\"]", TREE("0", "1.0", "1", "2"), "gbtree", "0"), strlen(MODEL_WITH("[\"a\",\"b\"]", TREE("0", "1.0", "1", "2"), "gbtree", "0")));
    rule_refused(assignment, NULL, "there is no feature \"a\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_tells_its_features_and_what_each_gains),
        cmocka_unit_test(what_cannot_be_scored_is_refused_with_the_reason),
        cmocka_unit_test(trees_that_lead_nowhere_or_in_circles_are_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(ubjson_is_read_with_every_length_checked),
        cmocka_unit_test(ubjson_that_goes_too_deep_is_refused),
        cmocka_unit_test(a_model_scores_and_says_what_each_feature_added),
        cmocka_unit_test(a_file_of_a_newer_xgboost_scores_the_same),
        cmocka_unit_test(a_missing_or_broken_file_is_said_with_its_name),
        cmocka_unit_test(a_changed_file_takes_over_and_a_broken_one_does_not),
        cmocka_unit_test(the_rule_alerts_above_its_threshold_and_explains_itself),
        cmocka_unit_test(features_that_are_not_the_models_are_said),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
