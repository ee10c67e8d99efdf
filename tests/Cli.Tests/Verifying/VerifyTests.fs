module Cli.Tests.VerifyTests

open System
open System.IO
open CellOS.Export.S3.Core
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support
open Cli.Tests.VerifyScene

let private names = [ "a"; "b"; "logs/c" ]

let private replace (path: string) (change: string -> string) =
    File.WriteAllText(path, change (File.ReadAllText path))

/// What is done to the evidence, what is wrong then, and the exit code.
let private tamperings: (string * (Exported -> unit) * string list) list = [
    "a file is changed",
    (fun given -> replace (Path.Join(given.Bundle, "a")) _.ToUpperInvariant()),
    [ "altered" ]
    "a file is removed", (fun given -> File.Delete(Path.Join(given.Bundle, "logs/c"))), [ "missing" ]
    "a file is added", (fun given -> given.Folder.Write("out/new", "") |> ignore), [ "unexpected" ]
    "a file is renamed",
    (fun given -> File.Move(Path.Join(given.Bundle, "a"), Path.Join(given.Bundle, "A"))),
    [ "missing"; "unexpected" ]
    "a file is replaced by a link to its content",
    (fun given ->
        let path = Path.Join(given.Bundle, "a")
        File.Move(path, given.Folder.At "elsewhere")
        File.CreateSymbolicLink(path, given.Folder.At "elsewhere") |> ignore),
    [ "missing" ]
    "a receipt is changed",
    (fun given -> replace given.Receipts _.Replace("\"attempts\":1", "\"attempts\":2")),
    [ "no line" ]
    "a receipt is removed",
    (fun given -> File.WriteAllLines(given.Receipts, File.ReadAllLines given.Receipts |> Array.skip 1)),
    [ "no line" ]
    "a receipt is damaged",
    (fun given -> replace given.Receipts (fun text -> text.Remove(text.IndexOf '"', 1))),
    [ "bad line" ]
    "each receipt is damaged",
    (fun given -> replace given.Receipts _.Replace("\"sha256\"", "\"sha256")),
    [ "bad line" ]
    "a receipt is added", (fun given -> File.AppendAllText(given.Receipts, line "new" + "\n")), [ "missing" ]
    "a seal is changed",
    (fun given -> replace given.Seals _.Replace("\"sig\":\"M", "\"sig\":\"N")),
    [ "forged" ]
    "a seal is torn", (fun given -> replace given.Seals _.TrimEnd()), [ "truncated" ]
    "a seal is repeated", (fun given -> replace given.Seals (fun text -> text + text)), [ "out of order" ]
    "the seals are removed", (fun given -> File.WriteAllText(given.Seals, "")), [ "not sealed" ]
    "another key is given",
    (fun given ->
        use key =
            Security.Cryptography.ECDsa.Create(Security.Cryptography.ECCurve.NamedCurves.nistP256)

        File.WriteAllText(given.PublicKey, key.ExportSubjectPublicKeyInfoPem())),
    [ "forged" ]
]

[<Tests>]
let tests =
    testList "verify" [
        testCaseTask "verifies what was exported, for people and for machines" (fun () ->
            task {
                let! given, head = exported names
                use _ = given
                let! code, output, error = verify (given.All @ [ "--head"; head ])
                Expect.equal code 0 error
                Expect.equal error "" "no note"

                for line in
                    [
                        "artifacts       3: 3 intact"
                        "receipts        3 read, 0 of them superseded"
                        "seals           1 valid"
                        "sealed          3 of 3 receipts"
                        $"head            {head} of {given.Seals}"
                        $"given head      {head}: contained"
                        "key             "
                    ] do
                    Expect.stringContains output line "a line"

                Expect.equal
                    (verdict output)
                    "VERIFIED: each of 3 artifacts is sealed and has the content that was exported."
                    "the verdict"

                let! code, output, error = verify (given.All @ [ "--head"; head; "--json" ])
                Expect.equal code 0 error
                Expect.equal (artifacts output) [ for name in names -> name, "intact" ] "each artifact"
                let seal = ofKind "seal" output |> List.exactlyOne
                Expect.equal (text "status" seal) "valid" "the seal"
                Expect.equal (seal.GetProperty("stored").GetInt64()) 3L "of the run"
                let summary = ofKind "summary" output |> List.exactlyOne
                Expect.isTrue (summary.GetProperty("verified").GetBoolean()) "the verdict"
                Expect.equal (text "head" (summary.GetProperty("heads")[0])) head "the head"

                Expect.equal
                    (text "status" (summary.GetProperty("givenHeads")[0]))
                    "contained"
                    "the given one"
            })

        testCaseTask
            "names what it left out of the bundle, and what was not checked, for machines and on the page"
            (fun () ->
                task {
                    let! given, _ = exported names
                    use _ = given

                    File.CreateSymbolicLink(Path.Join(given.Bundle, "link"), "/etc/passwd")
                    |> ignore

                    let page = given.Folder.At "page.html"
                    let! code, output, error = verify (given.All @ [ "--json"; "--html"; page ])
                    Expect.equal code 0 error
                    let summary = ofKind "summary" output |> List.exactlyOne

                    let texts (name: string) = [
                        for text in summary.GetProperty(name).EnumerateArray() -> nonNull (text.GetString())
                    ]

                    Expect.exists (texts "leftOut") _.Contains("link") "the link"
                    Expect.stringContains (File.ReadAllText page) "<dt>left out</dt>" "on the page"
                    Expect.exists (texts "notes") _.Contains("No head was given") "what was not checked"
                    Expect.hasLength (texts "keys") 1 "the key whose signatures count"
                })

        for what, tamper, expected in tamperings do
            testCaseTask $"fails if {what}" (fun () ->
                task {
                    let! given, _ = exported names
                    use _ = given
                    tamper given
                    let! code, output, error = verify given.All
                    Expect.equal code 1 (output + error)
                    let words = output.Split '\n' |> Array.map (fun line -> line.Split("  ")[0]) |> set
                    Expect.isTrue (Set.isSubset (set expected) words) output
                    Expect.stringStarts (verdict output) "FAILED: " "the verdict"
                    let! code, output, _ = verify (given.All @ [ "--json" ])
                    Expect.equal code 1 output
                    let summary = ofKind "summary" output |> List.exactlyOne
                    Expect.isFalse (summary.GetProperty("verified").GetBoolean()) "the verdict"
                })

        testCaseTask "misses seals that were removed from the end only by a head" (fun () ->
            task {
                let! given, first = exported names
                use _ = given
                let! _, head = given.Push(names @ [ "d" ], [])

                let seals, receipts =
                    File.ReadAllLines given.Seals, File.ReadAllLines given.Receipts

                File.WriteAllLines(given.Seals, Array.truncate 1 seals)
                File.WriteAllLines(given.Receipts, Array.truncate 3 receipts)

                File.Delete(Path.Join(given.Bundle, "d"))
                let! code, output, _ = verify given.All
                Expect.equal code 0 output
                Expect.stringContains output "No head was given" "which is said"
                let! code, output, _ = verify (given.All @ [ "--head"; first ])
                Expect.equal code 0 output
                let! code, output, _ = verify (given.All @ [ "--head"; head ])
                Expect.equal code 1 output
                Expect.stringContains output $"given head      {head}: removed" "the head"

                Expect.equal
                    (verdict output)
                    "FAILED: seals were removed, which the given head shows."
                    "the verdict"
            })

        testCaseTask "reads what a push wrote to standard output in any format" (fun () ->
            task {
                for format in [ "json"; "cloudevents"; "in-toto" ] do
                    let! scene = scene ()
                    let sealed' = SealScene.SealScene scene
                    use given = new Exported(scene, sealed')

                    scene.Folder.Write("public.pem", sealed'.Key.ExportSubjectPublicKeyInfoPem())
                    |> ignore

                    let out = sealed'.Bundle names

                    let! struct (code, output, error) =
                        runToolIn
                            (scene.Manifest("cell-7", names))
                            ([ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; "--format"; format ]
                             @ sealed'.Sealing
                             @ [ out ])

                    Expect.equal code 0 error
                    File.WriteAllText(given.Receipts, output)
                    let! code, output, error = verify given.All
                    Expect.equal code 0 (output + error)
                    Expect.stringContains output "sealed          3 of 3" format
            })

        testCaseTask "needs no receipts where seals are given, and no seals where receipts are" (fun () ->
            task {
                let! given, _ = exported names
                use _ = given
                let seals = [ "--seals"; given.Seals; "--key"; given.PublicKey ]

                for arguments, expected in
                    [
                        seals @ [ "--bundle"; given.Bundle ],
                        "VERIFIED: each of 3 artifacts is sealed and has the content that was exported."
                        seals, "VERIFIED: each of 3 artifacts has a sealed receipt."
                        [ "--receipts"; given.Receipts; "--bundle"; given.Bundle ],
                        "VERIFIED: each of 3 artifacts has the content that its receipt names."
                        [ "--receipts"; given.Receipts ],
                        "VERIFIED: each of 3 artifacts has a receipt that the store confirmed."
                    ] do
                    let! code, output, error = verify arguments
                    Expect.equal code 0 error
                    Expect.equal (verdict output) expected "the verdict"
            })

        testCaseTask "accepts what is not sealed or not confirmed only by their options" (fun () ->
            task {
                let! given, _ = exported names
                use _ = given
                File.AppendAllText(given.Receipts, (line "new").Replace("etag-md5", "unverified") + "\n")
                let all = List.take 6 given.All
                let! code, output, _ = verify (all @ [ "--accept-unsealed" ])
                Expect.equal code 1 output
                let! code, output, _ = verify (all @ [ "--accept-unverified" ])
                Expect.equal code 1 output
                let! code, output, _ = verify (all @ [ "--accept-unsealed"; "--accept-unverified" ])
                Expect.equal code 0 output

                Expect.stringContains
                    (verdict output)
                    "1 not confirmed by the store, 1 not sealed"
                    "and says so"
            })

        testCaseTask "takes several files, wherever they are" (fun () ->
            task {
                let! given, _ = exported names
                use _ = given
                let lines = File.ReadAllLines given.Receipts

                let parts = [
                    for i, line in Array.indexed lines ->
                        given.Folder.Write($"out/parts/{i}.jsonl", line + "\n")
                ]

                let! code, output, error =
                    verify (
                        "--receipts" :: parts
                        @ [ "--seals"; given.Seals; "--key"; given.PublicKey; "--bundle"; given.Bundle ]
                    )

                Expect.equal code 0 (output + error)
                // The parts lie in the bundle, and are not evidence.
                Expect.stringContains error "out/parts/0.jsonl' is a file that this command reads" "a note"
            })

        testCaseTask "shows a hundred failures, and all of them in JSON" (fun () ->
            task {
                use folder = new Folder()

                let receipts =
                    folder.Write("r.jsonl", String.Join('\n', [ for i in 1..150 -> line $"f{i}" ]) + "\n")

                Directory.CreateDirectory(folder.At "out") |> ignore
                let arguments = [ "--receipts"; receipts; "--bundle"; folder.At "out" ]
                let! code, output, _ = verify arguments
                Expect.equal code 1 output

                Expect.hasLength
                    (output.Split '\n' |> Array.filter _.StartsWith("missing"))
                    100
                    "the first ones"

                Expect.stringContains output "… and 50 more" "and how many more there are"
                let! _, output, _ = verify (arguments @ [ "--json" ])
                Expect.hasLength (artifacts output) 150 "all of them"
            })

        testCaseTask "hides secrets, and what a terminal would act on" (fun () ->
            task {
                use folder = new Folder()

                let crafted = {
                    receipt "a" with
                        ArtifactName = "\027[2Ja?X-Amz-Signature=0123456789abcdef"
                        Destination = "s3://b/\027[2J?X-Amz-Signature=0123456789abcdef"
                }

                let receipts = folder.Write("r.jsonl", Receipt.toJson crafted + "\n")
                Directory.CreateDirectory(folder.At "out") |> ignore

                for more in [ []; [ "--json" ] ] do
                    let! code, output, error =
                        verify ([ "--receipts"; receipts; "--bundle"; folder.At "out" ] @ more)

                    Expect.equal code 1 error
                    Expect.isFalse (output.Contains "0123456789abcdef") output
                    Expect.isFalse (output.Contains '\027') output
            })
    ]
