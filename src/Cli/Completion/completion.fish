# Completes cellos-export-s3 in fish: cellos-export-s3 completion fish | source
function __cellos_export_s3_complete
    set -l given (commandline -opc)
    set -l word (commandline -ct)
    set -l tool $given[1]
    set -e given[1]
    set -l option (string match -r -- '^--[a-z-]+=' "$word"; or echo '')
    set -l path (string replace -r -- '^--[a-z-]+=' '' "$word")
    for line in ($tool complete -- $given "$word" 2>/dev/null)
        switch $line
            case :files
                for found in (__fish_complete_path "$path")
                    echo $option$found
                end
            case :folders
                for found in (__fish_complete_directories "$path" '')
                    echo $option$found
                end
            case '*'
                echo $line
        end
    end
end
complete -c cellos-export-s3 -f -a '(__cellos_export_s3_complete)'
