#include "web/assets.h"

#include "check.h"

#include <zlib.h>

TEST(the_first_page_is_there)
{
    const struct web_asset *page = web_asset_find("/index.html");

    assert_non_null(page);
    assert_string_equal(page->type, "text/html; charset=utf-8");
    assert_false(page->unchanging);
}

TEST(what_is_not_there_is_not_found)
{
    assert_null(web_asset_find("/"));
    assert_null(web_asset_find("/index.htm"));
    assert_null(web_asset_find("/assets/../index.html"));
    assert_null(web_asset_find(""));
}

TEST(every_file_is_found_by_its_path)
{
    for (size_t i = 0; i < web_asset_count; i++) {
        assert_ptr_equal(web_asset_find(web_assets[i].path), &web_assets[i]);
    }
}

TEST(every_file_unpacks_to_its_size)
{
    for (size_t i = 0; i < web_asset_count; i++) {
        const struct web_asset *asset = &web_assets[i];
        unsigned char *content = malloc(asset->bytes + 1);
        z_stream stream = {.next_in = (unsigned char *)asset->gzip, .avail_in = (unsigned)asset->gzip_bytes,
                           .next_out = content, .avail_out = (unsigned)asset->bytes + 1};

        assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.total_out, asset->bytes);
        inflateEnd(&stream);
        free(content);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_page_is_there),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(every_file_is_found_by_its_path),
        cmocka_unit_test(every_file_unpacks_to_its_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
