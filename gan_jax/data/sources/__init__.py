"""Where data come from, a file each: the source NAME:REST of a config is opened by the module NAME.

Such a module, of this package or of your own, has
    open_source  `(rest, config) -> Source`; `config` is the config's `data`.
It may have
    FORM         how it is written, such as "folder:PATH": it is never opened without a rest then, nor, as "digits",
                 with one.
    names        `rest -> [N]`, the names of its pictures in the order of its rows, by which they find partners. It
                 then gives both halves of each picture, fitted one by one, if `config.pair` is not none.
"""
