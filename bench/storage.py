"""The log alone (bench/store.c), beside plain writes, syncs and reads of the same bytes in the same run."""
import json
import subprocess

from machine import BUILD


def measure(directory):
    out = subprocess.run([str(BUILD / "bench" / "bench_store"), str(directory / "store")], capture_output=True, text=True)
    if out.returncode != 0:
        raise SystemExit(f"bench: store: {out.stderr}")
    return [json.loads(line) for line in out.stdout.splitlines()]


def lines(figures):
    of = {}
    for one in figures:
        of.setdefault(one["what"], []).append(one)
    recovery, read, compaction = of["recovery"][0], of["read"][0], of["compaction"][0]
    text = ["Batches of 15 records of 1 KB, `acks=all`. Plain: one file, as many batches at once as a round of the log had, `fdatasync` after each round (none in the last row).", "",
            "| appends | partitions | under way | MB/s | plain MB/s | ratio | records/s | batches and syncs a round | CPU a record |", "|---|---|---|---|---|---|---|---|---|"]
    for r in of["append"]:
        text.append(f"| {r['policy']} | {r['partitions']} | {r['under_way']} | {r['mb_per_second']:,.0f} | {r['plain_mb_per_second']:,.0f} | **{r['mb_per_second'] / r['plain_mb_per_second']:.2f}** | "
                    f"{r['batches_per_second'] * 15:,.0f} | {r['batches_per_round']:.0f}, {r['syncs_per_round']:.0f} | {r['cpu_us_per_record']:.2f} µs |")
    text += ["", "| | the log | plain | ratio |", "|---|---|---|---|",
             f"| Reading {read['mb']:,.0f} MB in the page cache | {read['mb_per_second']:,.0f} MB/s | {read['plain_mb_per_second']:,.0f} MB/s | **{read['mb_per_second'] / read['plain_mb_per_second']:.2f}** |",
             f"| Opening after a kill with {recovery['mb']:,.0f} MB to look through | {recovery['seconds']:.2f} s, {recovery['mb_per_second']:,.0f} MB/s | reading it: {recovery['plain_mb_per_second']:,.0f} MB/s | "
             f"**{recovery['mb_per_second'] / recovery['plain_mb_per_second']:.2f}** |", ""]
    text.append("Publishes of rows and position, one after the other: " +
                ", ".join(f"{r['per_second']:,.0f}/s over {r['partitions']} partition{'s' if r['partitions'] > 1 else ''}" for r in of["publish"]) + ".")
    text.append(f"Compaction of {compaction['mb']:,.0f} MB with {compaction['keys']:,} keys while another topic is written to: {compaction['seconds']:.1f} s, **{compaction['mb_per_second']:,.0f} MB/s**, "
                f"{compaction['kept_mb']:,.0f} MB remain; appends beside it {compaction['append_beside_mb_per_second']:,.0f} MB/s, **{compaction['append_beside_mb_per_second'] / compaction['append_mb_per_second']:.2f}** of "
                f"those before and after.")
    return text + [""]
