/// Files that a push writes its results to, or reads credentials from, beside the evidence.
module Cli.Tests.OwnFilesTests

open System.IO
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Shell
open Cli.Tests.Support

/// A file in the folder that is pushed, how a push uses it, and its name in messages.
let private uses (file: string) = [
    "standard output", [], $">>'{file}'", "standard output"
    "standard error", [], $"2>>'{file}'", "standard error"
    "receipts", [ "--receipts"; file ], "", "the receipts file"
    "manifest", [], "", $"a manifest of presigned URLs ({urlsFileVariable})"
    "token of a target", [], "", "the token of a broker (CELLOS_EXPORT_S3_BROKER_TOKEN_FILE__OTHER)"
    "token of all targets", [], "", "the token of a broker (CELLOS_EXPORT_S3_BROKER_TOKEN_FILE)"
]

/// The variables of a push, with the file where the use has it.
let private variables (scene: Scene) (what: string) (file: string) =
    let manifest = scene.Manifest("cell-7", [ "a"; "own" ])

    match what with
    | "manifest" ->
        File.Copy(snd manifest.Head, file, true)
        (urlsFileVariable, file) :: manifest.Tail
    | "token of a target" -> ("CELLOS_EXPORT_S3_BROKER_TOKEN_FILE__OTHER", file) :: manifest
    | "token of all targets" ->
        [
            "CELLOS_EXPORT_S3_BROKER_URL", "https://broker.example/urls"
            "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE", file
        ]
        @ manifest
    | _ -> manifest

let private said (file: string) (error: string) =
    if File.Exists file then error + textOf file else error

[<Tests>]
let tests =
    testList "a push's own files" [
        testCaseTask "in a folder are left out with a note, and refused in strict mode" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                scene.Folder.Write("out/a", "evidence") |> ignore
                let out = scene.Folder.At "out"
                let file = Path.Join(out, "own")

                for what, arguments, redirection, name in uses file do
                    File.WriteAllText(file, line "z" + "\n")
                    let variables = variables scene what file
                    let stored () = scene.Server.Requests.Count
                    let before = stored ()

                    let! struct (code, _, error) =
                        shellPush scene variables (out :: arguments) redirection

                    Expect.equal code 0 $"{what}: {error}"
                    Expect.stringContains (said file error) $"own' is {name}; it is left out." what
                    Expect.equal (stored ()) (before + 1) $"{what}: one artifact"
                    Expect.isNone (scene.Stored "cell-7/own") what

                    let! struct (code, _, error) =
                        shellPush
                            scene
                            (("CELLOS_STRICT_CONFIG", "1") :: variables)
                            (out :: arguments)
                            redirection

                    Expect.equal code 2 $"{what}, strict: {error}"
                    Expect.equal (stored ()) (before + 1) $"{what}, strict: nothing was sent"
            })

        testCaseTask "given as a PATH, or listed in a spec, are refused" (fun () ->
            task {
                use! scene = scene ()
                let file = scene.Folder.Write("own", line "z" + "\n")
                let listing = seedSpec + "  artifacts: [{name: own, path: own}]\n"

                for what, arguments, redirection, name in uses file do
                    for spec, given in [ seedSpec, [ file ]; listing, [ "--root"; scene.Folder.Path ] ] do
                        File.WriteAllText(file, line "z" + "\n")
                        File.WriteAllText(scene.Spec, spec)
                        let variables = variables scene what file

                        let! struct (code, _, error) =
                            shellPush scene variables (given @ arguments) redirection

                        Expect.equal code 2 $"{what}: {error}"

                        Expect.stringContains
                            (said file error)
                            $"own' is an artifact and {name}."
                            $"{what}, {given}"

                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })
    ]
