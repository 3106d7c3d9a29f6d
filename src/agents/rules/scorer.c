#include "agents/rules/scorer.h"

#include "base/banned.h"

#include <math.h>
#include <stdlib.h>

static void row_fill(float *row, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row[i] = (float)values[i];
}

enum status scorer_score(struct model *model, const double *values, double *score, struct error *error)
{
    float row[MODEL_FEATURES_MAX];

    row_fill(row, values, model_facts(model)->feature_count);
    return model_predict(model, row, score, error);
}

static int by_weight(const void *a, const void *b)
{
    double first = fabs(((const struct alert_feature *)a)->weight), second = fabs(((const struct alert_feature *)b)->weight);

    return first < second ? 1 : first > second ? -1 : 0;
}

enum status scorer_explain(struct model *model, const char *const *names, const double *values, struct arena *arena, struct alert *alert, struct error *error)
{
    size_t count = model_facts(model)->feature_count;
    struct alert_feature *features = arena_new_array(arena, count, sizeof(*features));
    double weights[MODEL_FEATURES_MAX];
    float row[MODEL_FEATURES_MAX];
    enum status status;

    row_fill(row, values, count);
    status = model_explain(model, row, weights, error);
    if (status != OK)
        return status;
    for (size_t i = 0; i < count; i++)
        features[i] = (struct alert_feature){names[i], isnan(values[i]) ? NULL : arena_format(arena, "%.10g", values[i]), weights[i]};
    qsort(features, count, sizeof(*features), by_weight);
    alert->model = arena_copy_string(arena, slice_from_string(model_version(model)));
    alert->features = features;
    alert->feature_count = count;
    return OK;
}

const char *scorer_text(double number, struct arena *arena)
{
    return arena_format(arena, "%.6g", number);
}
