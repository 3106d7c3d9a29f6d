#include "agents/model_file.h"

#include "agents/ubjson.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>

#define NODES_MAX ((size_t)1 << 24)

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
    const json_t *left, *right, *indices, *gains, *types;
    const char *lacks; /* name of the list that is not as long as there are nodes */
};

static const json_t *list_of(const json_t *json, const char *name, struct tree *tree)
{
    const json_t *list = json_object_get(json, name);

    if (!json_is_array(list) || json_array_size(list) != tree->nodes)
        tree->lacks = name;
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
    tree->gains = list_of(json, "loss_changes", tree);
    (void)list_of(json, "split_conditions", tree);
    (void)list_of(json, "default_left", tree);
    (void)list_of(json, "base_weights", tree);
    (void)list_of(json, "sum_hessian", tree);
    (void)list_of(json, "parents", tree);
    tree->types = json_object_get(json, "split_type");
    return tree->lacks == NULL;
}

static int64_t item(const json_t *list, size_t index)
{
    const json_t *value = json_array_get(list, index);

    return json_is_integer(value) ? json_integer_value(value) : INT64_MIN;
}

/* Walks from the root: every node is met once at most, so every walk ends at a leaf. */
static enum status tree_walk(const struct tree *tree, struct model_facts *facts, struct error *error)
{
    uint8_t *met = memory_new(tree->nodes);
    size_t *waiting = memory_new_array(tree->nodes, sizeof(*waiting));
    size_t count = 1;
    enum status status = OK;

    met[0] = 1;
    while (count > 0 && status == OK) {
        size_t node = waiting[--count];
        int64_t children[2] = {item(tree->left, node), item(tree->right, node)};
        int64_t feature = item(tree->indices, node);

        if (children[0] == -1 && children[1] == -1)
            continue;
        if (feature < 0 || (uint64_t)feature >= facts->feature_count)
            status = error_set(error, ERROR_BAD_INPUT, "node %zu asks for feature %lld of %zu", node, (long long)feature, facts->feature_count);
        else if (json_array_size(tree->types) > 0 && item(tree->types, node) != 0)
            status = error_set(error, ERROR_BAD_INPUT, "node %zu splits by categories; only numbers are supported", node);
        for (int i = 0; i < 2 && status == OK; i++) {
            if (children[i] < 0 || (uint64_t)children[i] >= tree->nodes || met[children[i]])
                status = error_set(error, ERROR_BAD_INPUT, "node %zu leads to node %lld, which is none or on another way already", node, (long long)children[i]);
            else
                met[children[i]] = 1, waiting[count++] = (size_t)children[i];
        }
        if (status == OK)
            facts->gains[feature] += fabs(json_number_value(json_array_get(tree->gains, node)));
    }
    memory_free(met);
    memory_free(waiting);
    return status;
}

static enum status trees_check(const json_t *booster, struct model_facts *facts, struct error *error)
{
    const char *kind = json_string_value(json_object_get(booster, "name"));
    const json_t *model = json_object_get(booster, "model"), *trees = json_object_get(model, "trees"), *json;
    const json_t *groups = json_object_get(model, "tree_info");
    int64_t count;
    size_t i;
    double sum = 0;
    enum status status = OK;

    if (kind == NULL || strcmp(kind, "gbtree") != 0)
        return error_set(error, ERROR_BAD_INPUT, "its booster is %s; only gbtree is supported", kind == NULL ? "not named" : kind);
    if (!json_is_array(trees) || !number_of(json_object_get(model, "gbtree_model_param"), "num_trees", &count) || (uint64_t)count != json_array_size(trees) ||
        json_array_size(groups) != json_array_size(trees))
        return missing("trees", error);
    facts->tree_count = json_array_size(trees);
    json_array_foreach (trees, i, json) {
        struct tree tree;

        if (item(groups, i) != 0)
            status = error_set(error, ERROR_BAD_INPUT, "it belongs to a class of its own; only models that give one number are supported");
        else if (!tree_open(json, &tree))
            status = error_set(error, ERROR_BAD_INPUT, "\"%s\" is missing or has not one item for each node", tree.lacks);
        else
            status = tree_walk(&tree, facts, error);
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

static enum status learner_read(const json_t *learner, struct model_facts *facts, struct error *error)
{
    const json_t *param = json_object_get(learner, "learner_model_param");
    const char *objective = json_string_value(json_object_get(json_object_get(learner, "objective"), "name"));
    int64_t features = 0, classes = 0, targets = 1;
    enum status status;

    if (!number_of(param, "num_feature", &features))
        return missing("learner.learner_model_param.num_feature", error);
    if (objective == NULL)
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
    facts->objective = memory_copy_string(objective);
    status = names_read(json_object_get(learner, "feature_names"), facts, error);
    return status == OK ? trees_check(json_object_get(learner, "gradient_booster"), facts, error) : status;
}

enum status model_file_read(struct slice bytes, struct model_facts *facts, struct error *error)
{
    json_t *root = NULL;
    const json_t *learner;
    enum status status = parse(bytes, &root, error);

    *facts = (struct model_facts){0};
    learner = json_object_get(root, "learner");
    if (status == OK)
        status = json_is_object(learner) ? learner_read(learner, facts, error) : missing("learner", error);
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
