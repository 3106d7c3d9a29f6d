#include "agents/model_file.h"

#include "agents/ubjson.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define NODES_MAX ((size_t)1 << 24)
#define DEPTH_MAX 500 /* XGBoost recurses */

static enum status missing(const char *what, struct error *error)
{
    return error_set(error, ERROR_BAD_INPUT, "not a model of XGBoost 1.0 or newer: \"%s\" is missing or no such thing", what);
}

/* XGBoost writes its numbers as texts. */
static bool number_of(const json_t *object, const char *name, int64_t *number)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && text_parse_int64(slice_from_string(text), number);
}

static enum status parse(struct slice bytes, json_t **root, struct error *error)
{
    json_error_t failure;

    if (bytes.size < 2 || bytes.data[0] != '{')
        return error_set(error, ERROR_BAD_INPUT, "neither JSON nor UBJSON: save the model as .json or .ubj");
    if (bytes.data[1] >= 'A' && bytes.data[1] <= 'z')
        return ubjson_read(bytes, root, error);
    *root = json_loadb((const char *)bytes.data, bytes.size, 0, &failure);
    return *root != NULL ? OK : error_set(error, ERROR_BAD_INPUT, "JSON, at byte %d: %s", failure.position, failure.text);
}

/* ---- Trees ---- */

struct tree {
    size_t nodes;
    const json_t *left, *right, *indices, *conditions, *defaults, *gains, *weights, *covers, *types;
    int64_t *parents;  /* by node; NOT_MET: no way leads there */
    const char *lacks; /* name of the list that is not as long as there are nodes, or holds something else than numbers */
};

#define NOT_MET INT64_MIN
#define ROOTS_PARENT INT32_MAX

static const json_t *list_of(const json_t *json, const char *name, struct tree *tree)
{
    const json_t *list = json_object_get(json, name), *one;
    bool needs_numbers = strcmp(name, "split_conditions") == 0;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) != tree->nodes)
        tree->lacks = name;
    json_array_foreach (list, i, one) {
        if (!json_is_number(one) && (needs_numbers || !json_is_null(one))) /* null: no finite number, in UBJSON */
            tree->lacks = name;
    }
    return list;
}

static bool tree_open(const json_t *json, struct tree *tree)
{
    int64_t nodes;

    *tree = (struct tree){0};
    if (!number_of(json_object_get(json, "tree_param"), "num_nodes", &nodes) || nodes < 1 || (uint64_t)nodes > NODES_MAX) {
        tree->lacks = "num_nodes";
        return false;
    }
    tree->nodes = (size_t)nodes;
    tree->left = list_of(json, "left_children", tree);
    tree->right = list_of(json, "right_children", tree);
    tree->indices = list_of(json, "split_indices", tree);
    tree->conditions = list_of(json, "split_conditions", tree);
    tree->defaults = list_of(json, "default_left", tree);
    tree->gains = list_of(json, "loss_changes", tree);
    tree->weights = list_of(json, "base_weights", tree);
    tree->covers = list_of(json, "sum_hessian", tree);
    tree->types = json_object_get(json, "split_type");
    return tree->lacks == NULL;
}

static int64_t item(const json_t *list, size_t index)
{
    const json_t *value = json_array_get(list, index);

    return json_is_integer(value) ? json_integer_value(value) : INT64_MIN;
}

static double number(const json_t *list, size_t index)
{
    double value = json_number_value(json_array_get(list, index));

    return value > (double)FLT_MAX ? (double)FLT_MAX : value < -(double)FLT_MAX ? -(double)FLT_MAX : value;
}

/* ---- What XGBoost is given: nothing that was not looked at ---- */

enum kind_of_list { WHOLE, REAL };

static void list_write(struct buffer *out, const char *name, const struct tree *tree, const json_t *list, enum kind_of_list kind)
{
    buffer_append_format(out, ",\"%s\":[", name);
    for (size_t i = 0; i < tree->nodes; i++) {
        bool is_met = tree->parents[i] != NOT_MET;

        if (i > 0)
            buffer_append_u8(out, ',');
        if (kind == REAL) /* nine digits give back every number in single precision */
            buffer_append_format(out, "%.8E", is_met ? number(list, i) : 0.0);
        else
            buffer_append_decimal(out, list == tree->indices && item(tree->left, i) == -1 ? 0 : is_met ? item(list, i) : list == tree->left || list == tree->right ? -1 : 0);
    }
    buffer_append_u8(out, ']');
}

static void tree_write(const struct tree *tree, size_t features, size_t id, struct buffer *out)
{
    buffer_append_format(out, "%s{\"id\":%zu,\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"%zu\",\"num_nodes\":\"%zu\",\"size_leaf_vector\":\"0\"}", id == 0 ? "" : ",",
                         id, features, tree->nodes);
    buffer_append_string(out, ",\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],\"categories_sizes\":[]");
    list_write(out, "left_children", tree, tree->left, WHOLE);
    list_write(out, "right_children", tree, tree->right, WHOLE);
    list_write(out, "split_indices", tree, tree->indices, WHOLE);
    list_write(out, "split_conditions", tree, tree->conditions, REAL);
    list_write(out, "loss_changes", tree, tree->gains, REAL);
    list_write(out, "base_weights", tree, tree->weights, REAL);
    list_write(out, "sum_hessian", tree, tree->covers, REAL);
    buffer_append_string(out, ",\"default_left\":[");
    for (size_t i = 0; i < tree->nodes; i++)
        buffer_append_format(out, "%s%d", i == 0 ? "" : ",", json_is_true(json_array_get(tree->defaults, i)) || item(tree->defaults, i) > 0);
    buffer_append_string(out, "],\"split_type\":[");
    for (size_t i = 0; i < tree->nodes; i++)
        buffer_append_string(out, i == 0 ? "0" : ",0");
    buffer_append_string(out, "],\"parents\":[");
    for (size_t i = 0; i < tree->nodes; i++)
        buffer_append_format(out, "%s%lld", i == 0 ? "" : ",", (long long)(tree->parents[i] == NOT_MET ? 0 : tree->parents[i]));
    buffer_append_string(out, "]}");
}

/* Name and numbers of the objective: texts, and objects of texts. */
static void objective_write(json_t *objective, struct buffer *out)
{
    json_t *kept = json_object(), *part, *value;
    const char *name, *key;
    char *text;

    json_object_foreach(objective, name, part) {
        json_t *inner = json_is_object(part) ? json_object() : json_is_string(part) ? json_incref(part) : NULL;

        if (inner == NULL)
            continue;
        json_object_foreach(part, key, value) {
            if (json_is_object(part) && json_is_string(value))
                (void)json_object_set(inner, key, value);
        }
        (void)json_object_set_new(kept, name, inner);
    }
    text = json_dumps(kept, JSON_COMPACT);
    buffer_append_string(out, text == NULL ? "{}" : text);
    free(text);
    json_decref(kept);
}

/* ---- Walking ---- */

static enum status node_check(const struct tree *tree, size_t node, const int64_t children[2], const struct model_facts *facts, struct error *error)
{
    int64_t feature = item(tree->indices, node);

    if (feature < 0 || (uint64_t)feature >= facts->feature_count)
        return error_set(error, ERROR_BAD_INPUT, "node %zu asks for feature %lld of %zu", node, (long long)feature, facts->feature_count);
    if (json_array_size(tree->types) > 0 && item(tree->types, node) != 0)
        return error_set(error, ERROR_BAD_INPUT, "node %zu splits by categories; only numbers are supported", node);
    for (int i = 0; i < 2; i++) {
        if (children[i] < 0 || (uint64_t)children[i] >= tree->nodes || tree->parents[children[i]] != NOT_MET || children[0] == children[1])
            return error_set(error, ERROR_BAD_INPUT, "node %zu leads to node %lld, which is none or on another way already", node, (long long)children[i]);
    }
    return OK;
}

/* Walks from the root: every node is met once at most, so every walk ends at a leaf. */
static enum status tree_walk(struct tree *tree, struct model_facts *facts, struct error *error)
{
    struct { size_t node; int depth; } *waiting = memory_new_array(tree->nodes, sizeof(*waiting));
    size_t count = 1;
    enum status status = OK;

    for (size_t i = 0; i < tree->nodes; i++)
        tree->parents[i] = NOT_MET;
    tree->parents[0] = ROOTS_PARENT;
    while (count > 0 && status == OK) {
        size_t node = waiting[--count].node;
        int depth = waiting[count].depth + 1;
        int64_t children[2] = {item(tree->left, node), item(tree->right, node)};

        if (children[0] == -1 && children[1] == -1)
            continue;
        status = depth > DEPTH_MAX ? error_set(error, ERROR_BAD_INPUT, "it is deeper than %d nodes", DEPTH_MAX) : node_check(tree, node, children, facts, error);
        for (int i = 0; i < 2 && status == OK; i++) {
            tree->parents[children[i]] = (int64_t)node;
            waiting[count].node = (size_t)children[i];
            waiting[count++].depth = depth;
        }
        if (status == OK)
            facts->gains[item(tree->indices, node)] += fabs(number(tree->gains, node));
    }
    memory_free(waiting);
    return status;
}

static enum status trees_check(const json_t *booster, struct model_facts *facts, struct buffer *checked, struct error *error)
{
    const char *kind = json_string_value(json_object_get(booster, "name"));
    const json_t *model = json_object_get(booster, "model"), *trees = json_object_get(model, "trees"), *json;
    size_t i;
    double sum = 0;

    if (kind == NULL || strcmp(kind, "gbtree") != 0)
        return error_set(error, ERROR_BAD_INPUT, "its booster is %s; only gbtree is supported", kind == NULL ? "not named" : kind);
    if (!json_is_array(trees) || json_array_size(trees) > NODES_MAX || json_array_size(json_object_get(model, "tree_info")) != json_array_size(trees))
        return missing("trees", error);
    facts->tree_count = json_array_size(trees);
    json_array_foreach (trees, i, json) {
        struct tree tree = {0};
        enum status status = OK;

        if (item(json_object_get(model, "tree_info"), i) != 0)
            status = error_set(error, ERROR_BAD_INPUT, "it belongs to a class of its own; only models that give one number are supported");
        else if (!tree_open(json, &tree))
            status = error_set(error, ERROR_BAD_INPUT, "\"%s\" is missing or has not one number for each node", tree.lacks);
        if (status == OK) {
            tree.parents = memory_new_array(tree.nodes, sizeof(int64_t));
            status = tree_walk(&tree, facts, error);
        }
        if (status == OK && checked != NULL)
            tree_write(&tree, facts->feature_count, i, checked);
        memory_free(tree.parents);
        if (status != OK) {
            error_context(error, "tree %zu", i);
            return status;
        }
    }
    for (i = 0; i < facts->feature_count; i++)
        sum += facts->gains[i];
    for (i = 0; i < facts->feature_count && sum > 0; i++)
        facts->gains[i] /= sum;
    return OK;
}

/* ---- The model ---- */

static enum status names_read(const json_t *list, struct model_facts *facts, struct error *error)
{
    if (json_array_size(list) == 0)
        return OK;
    if (json_array_size(list) != facts->feature_count)
        return error_set(error, ERROR_BAD_INPUT, "it has %zu features and names for %zu", facts->feature_count, json_array_size(list));
    facts->names = memory_new_array(facts->feature_count, sizeof(char *));
    for (size_t i = 0; i < facts->feature_count; i++) {
        const char *name = json_string_value(json_array_get(list, i));

        if (name == NULL)
            return missing("feature_names", error);
        facts->names[i] = memory_copy_string(name);
    }
    return OK;
}

/* From version 3.1 on it is a list of one: "[5E-1]". */
static bool base_read(const json_t *param, double *base)
{
    struct slice text = slice_from_string(json_string_value(json_object_get(param, "base_score")));

    if (text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']')
        text = slice_of(text.data + 1, text.size - 2);
    return text_parse_double(text, base) && isfinite(*base);
}

static enum status learner_read(const json_t *learner, struct model_facts *facts, struct buffer *checked, struct error *error)
{
    const json_t *param = json_object_get(learner, "learner_model_param");
    json_t *objective = json_object_get(learner, "objective");
    int64_t features = 0, classes = 0, targets = 1;
    double base;
    enum status status;

    if (!number_of(param, "num_feature", &features))
        return missing("learner.learner_model_param.num_feature", error);
    if (!base_read(param, &base))
        return missing("learner.learner_model_param.base_score", error);
    if (json_string_value(json_object_get(objective, "name")) == NULL)
        return missing("learner.objective.name", error);
    if (features < 1 || features > MODEL_FEATURES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "it has %lld features; from 1 to %d are supported", (long long)features, MODEL_FEATURES_MAX);
    (void)number_of(param, "num_class", &classes);
    (void)number_of(param, "num_target", &targets);
    if (classes > 1 || targets > 1)
        return error_set(error, ERROR_BAD_INPUT, "it gives %lld numbers for a row; only models that give one are supported",
                         (long long)(classes > targets ? classes : targets));
    facts->feature_count = (size_t)features;
    facts->gains = memory_new_array(facts->feature_count, sizeof(double));
    facts->objective = memory_copy_string(json_string_value(json_object_get(objective, "name")));
    status = names_read(json_object_get(learner, "feature_names"), facts, error);
    if (status != OK)
        return status;
    if (checked == NULL)
        return trees_check(json_object_get(learner, "gradient_booster"), facts, NULL, error);
    buffer_append_format(checked, "{\"version\":[1,7,4],\"learner\":{\"attributes\":{},\"feature_names\":[],\"feature_types\":[],\"learner_model_param\":"
                                  "{\"base_score\":\"%.8E\",\"num_class\":\"0\",\"num_feature\":\"%zu\",\"num_target\":\"1\"},\"objective\":", base, facts->feature_count);
    objective_write(objective, checked);
    buffer_append_string(checked, ",\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"trees\":[");
    status = trees_check(json_object_get(learner, "gradient_booster"), facts, checked, error);
    buffer_append_string(checked, "],\"tree_info\":[");
    for (size_t i = 0; i < facts->tree_count; i++)
        buffer_append_string(checked, i == 0 ? "0" : ",0");
    buffer_append_format(checked, "],\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"%zu\",\"size_leaf_vector\":\"0\"}}}}}", facts->tree_count);
    return status == OK && checked->failed ? error_set(error, ERROR_BAD_INPUT, "it is too large") : status;
}

enum status model_file_read(struct slice bytes, struct model_facts *facts, struct buffer *checked, struct error *error)
{
    json_t *root = NULL;
    const json_t *learner;
    enum status status = parse(bytes, &root, error);

    *facts = (struct model_facts){0};
    learner = json_object_get(root, "learner");
    if (status == OK)
        status = json_is_object(learner) ? learner_read(learner, facts, checked, error) : missing("learner", error);
    json_decref(root);
    if (status != OK)
        model_facts_finish(facts);
    return status;
}

void model_facts_finish(struct model_facts *facts)
{
    for (size_t i = 0; facts->names != NULL && i < facts->feature_count; i++)
        memory_free(facts->names[i]);
    memory_free(facts->names);
    memory_free(facts->gains);
    memory_free(facts->objective);
    *facts = (struct model_facts){0};
}

void model_names_print(const char *const *names, size_t count, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used < size - 1; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", names[i]);
}
