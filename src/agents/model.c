#include "agents/model.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/disk.h"

#ifdef HAVE_XGBOOST

#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <xgboost/c_api.h>

#define LIBRARY "libxgboost.so.0"
#define PACKAGE "libxgboost0"
#define MODEL_BYTES_MAX ((size_t)64 << 20)
#define PREDICT_CONFIG "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}"
#define EXPLAIN_CONFIG "{\"type\":2,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false}"

#define FUNCTIONS(F)               \
    F(XGBGetLastError)             \
    F(XGBSetGlobalConfig)          \
    F(XGBoosterCreate)             \
    F(XGBoosterFree)               \
    F(XGBoosterSetParam)           \
    F(XGBoosterLoadModelFromBuffer) \
    F(XGProxyDMatrixCreate)        \
    F(XGDMatrixCreateFromMat)      \
    F(XGDMatrixFree)               \
    F(XGBoosterPredictFromDense)   \
    F(XGBoosterPredictFromDMatrix)

/* The library, once it is open. */
static struct {
#define F(name) __typeof__(&name) name;
    FUNCTIONS(F)
#undef F
    void (*threads_set)(int); /* of OpenMP, for the calling thread */
    char why_not[300];        /* "" when all is there */
} library;

struct model {
    struct model_facts facts;
    char version[MODEL_VERSION_DIGITS + 1];
    char *path;
    BoosterHandle booster;
    DMatrixHandle proxy; /* handed in, for XGBoost makes a new one for each call otherwise, and reads files of the system with it */
    float *row;          /* where XGBoost looks */
    char interface[160]; /* says so */
};

static void library_open(void)
{
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        (void)snprintf(library.why_not, sizeof(library.why_not), "models need XGBoost's library; install the package " PACKAGE " (%s)", dlerror());
        return;
    }
#define F(name)                                                                                                              \
    *(void **)(&library.name) = dlsym(handle, #name);                                                                        \
    if (library.name == NULL)                                                                                                \
        (void)snprintf(library.why_not, sizeof(library.why_not), LIBRARY " has no " #name "; XGBoost 1.6 or newer is needed");
    FUNCTIONS(F)
#undef F
    *(void **)(&library.threads_set) = dlsym(handle, "omp_set_num_threads");
}

const char *model_why_not(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, library_open);
    return library.why_not[0] == '\0' ? NULL : library.why_not;
}

/* Of the calling thread: no threads of OpenMP beside it, and nothing on stderr. */
static void thread_prepare(void)
{
    static _Thread_local bool prepared;

    if (prepared)
        return;
    prepared = true;
    if (library.threads_set != NULL)
        library.threads_set(1);
    (void)library.XGBSetGlobalConfig("{\"verbosity\":0}");
}

/* XGBoost's message without its clock, its source's place and its stack: "[08:51:22] ./src/x.cc:12: Check failed: …\nStack trace…". */
static enum status failed(const char *doing, struct error *error)
{
    const char *message = library.XGBGetLastError(), *at = message;

    if (*at == '[' && strchr(at, ']') != NULL)
        at = strchr(at, ']') + 1;
    at = strstr(at, ": ") != NULL && strstr(at, ": ") < at + strcspn(at, "\n") ? strstr(at, ": ") + 2 : at;
    at += strspn(at, "\n ");
    return error_set(error, ERROR_MODEL, "%s: XGBoost: %.*s", doing, (int)strcspn(at, "\n"), at);
}

static enum status version_take(struct slice bytes, char version[MODEL_VERSION_DIGITS + 1], struct error *error)
{
    unsigned char hash[EVP_MAX_MD_SIZE];

    if (EVP_Digest(bytes.data, bytes.size, hash, NULL, EVP_sha256(), NULL) != 1)
        return error_set(error, ERROR_MODEL, "SHA-256 does not work");
    for (size_t i = 0; i < MODEL_VERSION_DIGITS / 2; i++)
        (void)snprintf(version + 2 * i, 3, "%02x", hash[i]);
    return OK;
}

/* A model that can be read but not walked should fail here, before it is believed. */
static enum status model_try(struct model *model, struct error *error)
{
    float *row = memory_new_array(model->facts.feature_count, sizeof(*row));
    double score;
    enum status status;

    for (size_t i = 0; i < model->facts.feature_count; i++)
        row[i] = NAN;
    status = model_predict(model, row, &score, error);
    if (status == OK && !isfinite(score))
        status = error_set(error, ERROR_MODEL, "it scores no number");
    memory_free(row);
    return status;
}

static enum status booster_open(struct model *model, struct slice bytes, struct error *error)
{
    thread_prepare();
    if (library.XGBoosterCreate(NULL, 0, &model->booster) != 0 || library.XGBoosterSetParam(model->booster, "nthread", "1") != 0 ||
        library.XGBoosterLoadModelFromBuffer(model->booster, bytes.data, bytes.size) != 0 ||
        library.XGBoosterSetParam(model->booster, "nthread", "1") != 0 || library.XGProxyDMatrixCreate(&model->proxy) != 0)
        return failed("load", error);
    model->row = memory_new_array(model->facts.feature_count, sizeof(float));
    (void)snprintf(model->interface, sizeof(model->interface), "{\"data\":[%" PRIuPTR ",true],\"shape\":[1,%zu],\"typestr\":\"<f4\",\"version\":3}",
                   (uintptr_t)model->row, model->facts.feature_count);
    return model_try(model, error);
}

enum status model_load(const char *path, struct model **loaded, struct error *error)
{
    struct model *model;
    struct buffer bytes, checked;
    enum status status;

    if (model_why_not() != NULL)
        return error_set(error, ERROR_MODEL, "%s", model_why_not());
    model = memory_new(sizeof(*model));
    model->path = memory_copy_string(path);
    buffer_init(&bytes, MODEL_BYTES_MAX);
    buffer_init(&checked, 4 * MODEL_BYTES_MAX);
    status = disk_read_file(disk_real(), path, &bytes, error);
    if (status == OK)
        status = version_take(buffer_slice(&bytes), model->version, error);
    if (status == OK)
        status = model_file_read(buffer_slice(&bytes), &model->facts, &checked, error);
    if (status == OK)
        status = booster_open(model, buffer_slice(&checked), error);
    buffer_finish(&bytes);
    buffer_finish(&checked);
    if (status == OK) {
        *loaded = model;
        return OK;
    }
    error->status = ERROR_MODEL;
    error_context(error, "model %s", path);
    model_destroy(model);
    return ERROR_MODEL;
}

void model_destroy(struct model *model)
{
    if (model == NULL)
        return;
    if (model->proxy != NULL)
        (void)library.XGDMatrixFree(model->proxy);
    if (model->booster != NULL)
        (void)library.XGBoosterFree(model->booster);
    model_facts_finish(&model->facts);
    memory_free(model->row);
    memory_free(model->path);
    memory_free(model);
}

enum status model_predict(struct model *model, const float *row, double *score, struct error *error)
{
    bst_ulong const *shape;
    bst_ulong dimensions;
    const float *scores;

    thread_prepare();
    memcpy(model->row, row, model->facts.feature_count * sizeof(*row));
    if (library.XGBoosterPredictFromDense(model->booster, model->interface, PREDICT_CONFIG, model->proxy, &shape, &dimensions, &scores) != 0)
        return failed("score a row", error);
    *score = (double)scores[0];
    return OK;
}

enum status model_explain(struct model *model, const float *row, double *weights, struct error *error)
{
    bst_ulong const *shape;
    bst_ulong dimensions;
    const float *parts;
    DMatrixHandle matrix = NULL;
    enum status status = OK;

    thread_prepare();
    if (library.XGDMatrixCreateFromMat(row, 1, model->facts.feature_count, NAN, &matrix) != 0 ||
        library.XGBoosterPredictFromDMatrix(model->booster, matrix, EXPLAIN_CONFIG, &shape, &dimensions, &parts) != 0) {
        status = failed("explain a row", error);
    } else {
        for (size_t i = 0; i < model->facts.feature_count; i++)
            weights[i] = isfinite(parts[i]) ? (double)parts[i] : 0;
    }
    if (matrix != NULL)
        (void)library.XGDMatrixFree(matrix);
    return status;
}

const struct model_facts *model_facts(const struct model *model)
{
    return &model->facts;
}

const char *model_version(const struct model *model)
{
    return model->version;
}

#else

const char *model_why_not(void)
{
    return "this build cannot use models: install libxgboost-dev and build again";
}

enum status model_load(const char *path, struct model **loaded, struct error *error)
{
    (void)path;
    *loaded = NULL;
    return error_set(error, ERROR_MODEL, "%s", model_why_not());
}

void model_destroy(struct model *model)
{
    (void)model;
}

enum status model_predict(struct model *model, const float *row, double *score, struct error *error)
{
    (void)model, (void)row, (void)score;
    return error_set(error, ERROR_BUG, "a model that was not loaded");
}

enum status model_explain(struct model *model, const float *row, double *weights, struct error *error)
{
    (void)model, (void)row, (void)weights;
    return error_set(error, ERROR_BUG, "a model that was not loaded");
}

const struct model_facts *model_facts(const struct model *model)
{
    (void)model;
    return NULL;
}

const char *model_version(const struct model *model)
{
    (void)model;
    return NULL;
}

#endif
