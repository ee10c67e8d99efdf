/// What shells complete, and the manual page. The shells' scripts are run by these shells.
module Cli.Tests.CompletionTests

open System
open System.IO
open System.Text.RegularExpressions
open CellOS.Export.S3.Core
open Expecto
open CellOS.Export.S3.Cli
open Cli.Tests.Scene
open Cli.Tests.Support

let private reference = File.ReadAllText Reference.path

/// A folder with a spec, some files, and the tool as a command of its own name in `bin`.
let private place () =
    let folder = new Folder()

    let command =
        folder.Write("bin/cellos-export-s3", $"#!/bin/sh\nexec {quotedTool} \"$@\"\n")

    File.SetUnixFileMode(command, UnixFileMode.UserRead ||| UnixFileMode.UserExecute)

    folder.Write(
        "cell.yaml",
        "export:\n  targets:\n    - { name: evidence-eu, kind: s3, bucket: bucket-eu }\n    - { name: archive, kind: s3, bucket: bucket-ar }\n"
    )
    |> ignore

    folder.Write("out/report.json", "{}") |> ignore
    folder

/// The script of a shell, run in the folder.
let private inShell (folder: Folder) (command: string list) =
    task {
        let path =
            folder.At "bin" + ":" + string (Environment.GetEnvironmentVariable "PATH")

        use child =
            new Child(
                "sh",
                [ "-c"; "cd \"$0\" && exec \"$@\""; folder.Path ] @ command,
                [ "PATH", path; "HOME", folder.Path; "TERM", "xterm" ]
            )

        let! struct (code, output, error) = child.End()
        Expect.equal code 0 (output + error)
        return output.Replace("\r", "")
    }

let private suggested (words: string list) =
    task {
        let! struct (code, output, error) = runTool ("complete" :: "--" :: words)
        Expect.equal (code, error) (0, "") "suggestions"

        return
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            |> Array.map (fun line -> (line.Split '\t')[0])
    }

/// Command lines, each with what its last word becomes.
let private completed = [
    "che", "check"
    "push --resu", "--resume"
    "push --spec cell.yaml --target ev", "evidence-eu"
    "push --spec=cell.yaml --target=ar", "--target=archive"
    "push --format cl", "cloudevents"
    "check --spec ce", "cell.yaml"
    "push --spec=ce", "--spec=cell.yaml"
    "push --spec cell.yaml out/re", "out/report.json"
    "completion fi", "fish"
]

[<Tests>]
let tests =
    testList "completion" [
        testCaseTask "suggests commands, options, values, targets of the spec, files and folders" (fun () ->
            task {
                use folder = place ()
                let spec = folder.At "cell.yaml"

                for words, expected in
                    [
                        [ "" ], [ "check"; "push"; "drain"; "verify"; "completion"; "manual" ]
                        [ "check"; "" ], [ ":files" ]
                        [ "check"; "-" ],
                        [ "--cell-id"; "--json"; "--probe"; "--root"; "--shard"; "--spec"; "--target" ]
                        [ "check"; "--json"; "--spec"; spec; "--" ],
                        [ "--cell-id"; "--probe"; "--root"; "--shard"; "--target" ]
                        [ "push"; "--header"; "a: b"; "--he" ], [ "--header"; "--help" ]
                        [ "push"; "--format"; "" ], [ "json"; "cloudevents"; "in-toto" ]
                        [ "push"; "--spec"; spec; "--target"; "" ], [ "evidence-eu"; "archive" ]
                        [ "push"; $"--spec={spec}"; "--target=e" ], [ "--target=evidence-eu" ]
                        [ "push"; "--target"; "" ], []
                        [ "push"; "--spec"; folder.At "none"; "--target"; "" ], []
                        [ "push"; "--spec"; folder.At "out/report.json"; "--target"; "" ], []
                        [ "push"; "--cell-id"; "" ], []
                        [ "push"; "--spec"; "" ], [ ":files" ]
                        [ "push"; "--receipts=" ], [ ":files" ]
                        [ "push"; "--seal=" ], [ ":files" ]
                        [ "push"; "--root"; "" ], [ ":folders" ]
                        [ "check"; "--root"; "" ], [ ":folders" ]
                        [ "drain"; "--spool"; "" ], [ ":folders" ]
                        [ "drain"; "--receipts"; "" ], [ ":files" ]
                        [ "drain"; "--spec"; spec; "--target"; "" ], [ "evidence-eu"; "archive" ]
                        [ "push"; "" ], [ ":files" ]
                        [ "verify"; "--receipts"; "" ], [ ":files" ]
                        [ "verify"; "--receipts"; "a"; "b"; "" ], [ ":files" ]
                        [ "verify"; "--bundle"; "" ], [ ":folders" ]
                        [ "verify"; "--receipts"; "a"; "--js" ], [ "--json" ]
                        [ "push"; "--"; "--re" ], [ ":files" ]
                        [ "completion"; "" ], [ "bash"; "zsh"; "fish" ]
                        [ "nonsense"; "--x"; "" ],
                        [ "check"; "push"; "drain"; "verify"; "completion"; "manual" ]
                    ] do
                    let! actual = suggested words
                    let actual = actual |> Array.filter ((<>) "--help") |> List.ofArray

                    Expect.sequenceEqual
                        actual
                        (expected |> List.filter ((<>) "--help"))
                        (String.concat " " words)
            })

        testCaseTask "suggests every option that the help lists" (fun () ->
            task {
                for command in [ "check"; "push"; "drain"; "verify" ] do
                    let! struct (_, help, _) = runTool [ command; "--help" ]

                    let options =
                        Regex.Matches(help, "(?m)^  (?:-\\?, -h, )?(--[a-z0-9-]+)")
                        |> Seq.map _.Groups[1].Value
                        |> List.ofSeq

                    Expect.isGreaterThan options.Length 3 help
                    let! actual = suggested [ command; "--" ]

                    for option in options do
                        Expect.contains actual option $"{command} {option}"
            })

        testCaseTask "works in bash, which splits words at '=' and ':'" (fun () ->
            task {
                use folder = place ()

                let script = [
                    "source <(cellos-export-s3 completion bash)"
                    "try() { COMP_LINE=$1 COMP_POINT=${#1}; shift; COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)); _cellos_export_s3; echo \"${COMPREPLY[*]}\"; }"
                    for line, _ in completed do
                        let line = $"cellos-export-s3 {line}"

                        let words =
                            Regex.Matches(line, "[^ =]+|=")
                            |> Seq.map (_.Value >> quote)
                            |> String.concat " "

                        $"try {quote line} {words}"
                ]

                let! output = inShell folder [ "bash"; "-c"; String.concat "\n" script ]

                Expect.sequenceEqual
                    (output.TrimEnd().Split '\n')
                    [ for _, word in completed -> Regex.Replace(word, "^--[a-z]+=", "") ]
                    "each is completed by one word, of which bash replaces the part after '='"
            })

        testCaseTask "works in fish" (fun () ->
            task {
                if not (has "fish") then
                    skiptest "fish is not installed"

                use folder = place ()

                let script = [
                    "cellos-export-s3 completion fish | source"
                    for line, _ in completed do
                        $"complete -C 'cellos-export-s3 {line}'"
                ]

                let! output =
                    inShell folder [ "fish"; "--no-config"; "-c"; String.concat "\n" script ]

                Expect.sequenceEqual
                    (output.TrimEnd().Split '\n' |> Array.map (fun line -> (line.Split '\t')[0]))
                    (List.map snd completed)
                    "each is completed by one word"
            })

        testCaseTask "works in zsh" (fun () ->
            task {
                if not (has "zsh") then
                    skiptest "zsh is not installed"

                use folder = place ()

                // Each line is typed with a tab, and then printed in place of being run.
                let script = [
                    "zmodload zsh/zpty"
                    "zpty z zsh -f -i"
                    "zpty -w z 'PS1=; stty -echo; autoload -Uz compinit; compinit -u -D; source <(cellos-export-s3 completion zsh); echo re\"\"ady'"
                    "while zpty -r z line; do [[ $line == *ready* ]] && break; done"
                    "for typed in \"$@\"; do"
                    "  zpty -w -n z \"cellos-export-s3 $typed\"$'\\t\\C-aprint -r -- GOT \\C-e\\n'"
                    "  while zpty -r z line; do [[ $line == (GOT|*[^-]' 'GOT|*$'\\n'GOT)' '* && $line != *'print'* ]] && { print -r -- $line; break }; done"
                    "done"
                    "zpty -d z"
                ]

                let! output =
                    inShell
                        folder
                        ([ "zsh"; "-f"; "-c"; String.concat "\n" script; "zsh" ] @ List.map fst completed)

                Expect.sequenceEqual
                    (Regex.Matches(output, "(?m)GOT cellos-export-s3 .*?([^ \\n]+) *$")
                     |> Seq.map _.Groups[1].Value)
                    (List.map snd completed)
                    "each is completed by one word"
            })

        testCaseTask "refuses a shell that it has no script for" (fun () ->
            task {
                let! struct (code, output, error) = runTool [ "completion"; "ksh" ]
                Expect.equal (code, output) (2, "") error
                Expect.stringContains error "bash, zsh or fish" "those that there are"
            })

        testCaseTask
            "the manual page describes every command, option and variable, without warnings"
            (fun () ->
                task {
                    use folder = place ()
                    let! struct (code, page, error) = runTool [ "manual" ]
                    Expect.equal code 0 error
                    let file = folder.Write("cellos-export-s3.1", page)

                    let plain =
                        page.Replace("\\-", "-").Replace("\\fR", "").Replace("\\fI", "").Replace("\\fB", "")

                    for command in [ "check"; "push"; "drain"; "verify"; "completion"; "manual" ] do
                        Expect.stringContains plain $".SS {command}\n" command
                        let! struct (_, help, _) = runTool [ command; "--help" ]

                        for found in Regex.Matches(help, "(?m)^  (--[a-z0-9-]+)") do
                            Expect.stringContains
                                plain
                                $"\n{found.Groups[1].Value}"
                                $"{command} {found.Value}"

                    for variable in Variable.all do
                        Expect.stringContains plain $"\n{variable.Name}" variable.Name

                    for struct (codes, meaning) in ExitCode.Meanings do
                        Expect.stringContains plain $"\n{codes}\n{meaning}." codes

                        Expect.stringContains
                            (reference.Replace("`", ""))
                            $"| {codes} | {meaning} |"
                            "the reference"

                    if has "man" then
                        let! output =
                            inShell folder [ "sh"; "-c"; "man --warnings -l \"$0\" 2>&1 >/dev/null"; file ]

                        Expect.equal output "" "man has no warning"

                    if has "mandoc" then
                        let! output =
                            inShell folder [ "sh"; "-c"; "mandoc -Tlint -W warning \"$0\" || true"; file ]

                        let other = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                        // The date is written into the page of the archive.
                        Expect.isEmpty
                            (other |> Array.filter (fun line -> not (line.Contains "missing date")))
                            "mandoc"
                })
    ]
