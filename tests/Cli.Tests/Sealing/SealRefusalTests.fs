module Cli.Tests.SealRefusalTests

open System.IO
open Expecto
open Cli.Tests.Scene
open Cli.Tests.SealScene
open Cli.Tests.Support

[<Tests>]
let tests =
    testList "push --seal is refused" [
        testCaseTask "before anything is sent, with a message that says what to do" (fun () ->
            task {
                use! scene = scene ()
                let sealed' = SealScene scene
                let out = sealed'.Bundle [ "a" ]
                let damaged = scene.Folder.Write("damaged.jsonl", "x\n")
                let none = scene.Folder.At "none"
                let receipts = scene.Folder.At "r.jsonl"

                for variables, arguments, expected in
                    [
                        [], [ "--seal"; sealed'.KeyPath ], "--seal needs --seals FILE"
                        [], [ "--seal-password-file"; none ], "--seal-password-file needs --seals FILE"
                        [], [ "--seals"; sealed'.Seals ], "--seals needs a key. Give it with --seal KEY.pem"
                        [], [ "--seal"; none; "--seals"; sealed'.Seals ], none
                        [ keyVariable, none ], [ "--seals"; sealed'.Seals ], none
                        [],
                        [ "--seal"; sealed'.Encrypted; "--seals"; sealed'.Seals ],
                        "is encrypted. Give the file"
                        // The key itself, in place of its path.
                        [ keyVariable, File.ReadAllText sealed'.KeyPath ],
                        [ "--seals"; sealed'.Seals ],
                        "looks like the content of a file"
                        [ passwordVariable, sealed'.KeyPath ],
                        [ "--seal"; sealed'.Encrypted; "--seals"; sealed'.Seals ],
                        "has several lines"
                        [], [ "--seal"; scene.Spec; "--seals"; sealed'.Seals ], "is not a PEM file"
                        [], [ "--seal"; sealed'.KeyPath; "--seals"; damaged ], "Nothing in it was changed"
                        [],
                        [ "--seal"; sealed'.KeyPath; "--seals"; scene.Folder.Path ],
                        "is a folder. Give a regular file."
                        [],
                        [ "--seal"; sealed'.KeyPath; "--seals"; Path.Join(none, "s") ],
                        "there is no folder"
                        [],
                        [ "--seal"; sealed'.KeyPath; "--seals"; receipts; "--receipts"; receipts ],
                        "is a receipts file as well"
                    ] do
                    let! struct (code, output, error) =
                        runToolIn
                            (variables @ scene.Manifest("cell-7", [ "a" ]))
                            (sealed'.Arguments(arguments @ [ out ]))

                    Expect.equal code 2 error
                    Expect.stringContains error expected "the message"
                    Expect.equal output "" "no result"
                    Expect.isFalse (error.Contains password) "not the password"

                    Expect.isFalse (error.Contains((File.ReadAllLines sealed'.KeyPath)[1])) "not the key"

                Expect.isEmpty scene.Server.Requests "nothing was sent"
                Expect.equal (File.ReadAllText damaged) "x\n" "left as it is"
                Expect.isFalse (File.Exists receipts) "not made"
            })

        testCaseTask "not for a key in the environment alone, which strict mode refuses" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                let sealed' = SealScene scene
                let out = sealed'.Bundle [ "a" ]
                let variables = (keyVariable, sealed'.KeyPath) :: scene.Manifest("cell-7", [ "a" ])
                let! struct (code, _, error) = runToolIn variables (sealed'.Arguments [ out ])
                Expect.equal code 0 error
                Expect.stringContains error "is set, and this push is not sealed" "a note"

                let! struct (code, _, error) =
                    runToolIn (("CELLOS_STRICT_CONFIG", "1") :: variables) (sealed'.Arguments [ out ])

                Expect.equal code 2 error
                Expect.stringContains error "is set, and this push is not sealed" "refused"
            })

        testCaseTask "notes a key that others can read" (fun () ->
            task {
                if System.OperatingSystem.IsWindows() then
                    skiptest "needs permissions of Unix"

                use! scene = scene ()
                let sealed' = SealScene scene
                let out = sealed'.Bundle [ "a" ]
                File.SetUnixFileMode(sealed'.KeyPath, UnixFileMode.UserRead ||| UnixFileMode.OtherRead)

                let! struct (code, _, error) =
                    runToolIn
                        (scene.Manifest("cell-7", [ "a" ]))
                        (sealed'.Arguments(sealed'.Sealing @ [ out ]))

                Expect.equal code 0 error
                Expect.stringContains error "can be read by every user of this machine" "a note"
            })

        testCaseTask "its files are not evidence" (fun () ->
            task {
                use! scene = scene ()
                let sealed' = SealScene scene
                let out = sealed'.Bundle [ "a" ]

                let moved (path: string) =
                    let inside = Path.Join(out, Path.GetFileName path)
                    File.Copy(path, inside)
                    inside

                let key = moved sealed'.Encrypted
                let passwordFile = moved sealed'.PasswordPath
                let seals = Path.Join(out, "seals.jsonl")

                let sealing = [ "--seal"; key; "--seal-password-file"; passwordFile; "--seals"; seals ]

                let variables =
                    scene.Manifest("cell-7", [ "a"; "encrypted.pem"; "password"; "seals.jsonl" ])

                for run in 1..2 do
                    let! struct (code, output, error) =
                        runToolIn variables (sealed'.Arguments(sealing @ [ out ]))

                    Expect.equal code 0 error

                    Expect.equal
                        (objects output |> List.map (text "artifactName"))
                        [ "a" ]
                        "the evidence alone"

                    for name in
                        [
                            "the key of the seals"
                            "the password of the key of the seals"
                            if run = 2 then
                                "the file of seals"
                        ] do
                        Expect.stringContains error $"is {name}" "a note"

                for file in [ key; passwordFile; seals ] do
                    let! struct (code, _, error) =
                        runToolIn variables (sealed'.Arguments(sealing @ [ file ]))

                    Expect.equal code 2 error
                    Expect.stringContains error "is an artifact and" file

                // Of the environment, too.
                let! struct (code, output, error) =
                    runToolIn
                        ((keyVariable, key) :: (passwordVariable, passwordFile) :: variables)
                        (sealed'.Arguments [ "--seals"; seals; out ])

                Expect.equal code 0 error
                Expect.equal (objects output |> List.map (text "artifactName")) [ "a" ] "the evidence alone"
            })
    ]
