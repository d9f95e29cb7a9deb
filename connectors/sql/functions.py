"""Functions that a free SELECT may call without anybody listing them: they read nothing and neither wait nor grow a value. Pure.

What makes a long value of short ones (`concat`, `||`, `replace`, `repeat`, `lpad`, `string_agg`, `array_agg`, `format`) is not
here: a few lines of it fill a memory. A section may list more; those it lists are its author's to judge.
"""

from typing import Final

HARMLESS: Final = frozenset(
    (
        *(
            "count",
            "sum",
            "avg",
            "min",
            "max",
            "stddev",
            "stddev_samp",
            "stddev_pop",
            "variance",
            "var_samp",
            "var_pop",
        ),
        *("bool_and", "bool_or", "corr", "mode", "percentile_cont", "percentile_disc", "median"),
        *("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"),
        *("lag", "lead", "first_value", "last_value", "nth_value"),
        *("coalesce", "nullif", "greatest", "least"),
        *("abs", "round", "ceil", "ceiling", "floor", "trunc", "sign", "sqrt", "mod", "ln", "width_bucket"),
        *("lower", "upper", "initcap", "length", "char_length", "trim", "ltrim", "rtrim", "btrim"),
        *(
            "quantile_cont",
            "quantile_disc",
            "left",
            "right",
            "substring",
            "substr",
            "position",
            "strpos",
            "split_part",
            "starts_with",
        ),
        *(
            "now",
            "current_date",
            "current_timestamp",
            "date_trunc",
            "extract",
            "date_part",
            "age",
            "make_date",
        ),
        *(
            "year",
            "quarter",
            "month",
            "week",
            "day",
            "hour",
            "datediff",
            "date_diff",
            "last_day",
            "strftime",
            "to_char",
        ),
    )
)
"""Names in lower case."""

GROWTH: Final = "concat"
"""What `||` counts as."""
