" cluster.conf, and files of definitions that it may include, are told by their name and first object.
autocmd BufNewFile,BufRead cluster.conf setfiletype lucie
autocmd BufRead *.conf if search('^\s*define \+\%(host\|lucie_group\|host_group\)\s*{', 'nw') | set filetype=lucie | endif
