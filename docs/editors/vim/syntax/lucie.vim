" Vim syntax file: the definition of a cluster for Lucie, cluster.conf(5). tests/lint/keys.sh keeps its words true.

if exists("b:current_syntax")
  finish
endif

syn keyword lucieType contained host lucie_group host_group installer disk_layout base dataset interface package_server
syn keyword lucieType contained service
syn keyword lucieKey contained address at_end base bmc board boot components console datasets dhcp_interface discover_range
syn keyword lucieKey contained dhcp_server disk disk_layout dns1 dns2 dns3 domain_name file files gateway
syn keyword lucieKey contained host_name hostgroup_name http_port http_server installer kernel kernel_args interfaces device mtu vlan parent bond bond_mode role ntp_server keep_machine_id key
syn keyword lucieKey contained lucie_group lucie_server mac_address mac_file members modules name on_failure
syn keyword lucieKey contained nfs_path nfs_server nfs_version package_server packages partition path port power_command register ring root_password
syn keyword lucieKey contained read_only break server_address services source ssh_keys subnet suite target trusted uri use web_access
syn keyword lucieKey contained filesystem luks luks_key lv raid vg

" The first word of a line: a key of ours, or MODULE.KEY; what is neither stays plain.
syn match lucieFirst "^\s*\zs[^ \t#}]\+\ze\s" contains=lucieKey
syn match lucieModuleKey "^\s*\zs[A-Za-z0-9][A-Za-z0-9_-]*\.[a-z][a-z0-9_]*\ze\s"
syn match lucieStatement "^\s*\zsdefine\ze\s" nextgroup=lucieType skipwhite
syn match lucieStatement "^\s*\zsinclude\ze\s"
syn match lucieRange "\[[0-9,-]\+\]"
syn match lucieComment "\%(^\|[ \t{]\)\zs#.*$" contains=@Spell

hi def link lucieType Type
hi def link lucieKey Identifier
hi def link lucieModuleKey Function
hi def link lucieStatement Statement
hi def link lucieRange Number
hi def link lucieComment Comment

let b:current_syntax = "lucie"
