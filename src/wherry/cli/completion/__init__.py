"""What a shell offers on Tab: `wherry __complete WORDS…`, in the protocol of cobra's scripts.

`words` (pure) finds what stands at the last word, `values` (pure) knows the words that flags take,
`names` asks the engine, `shells` has the scripts, `daemon` those of wherryd. So docker's own
scripts work against this program too.
"""
