module Cli.Tests.ResumeTests

open System
open System.Collections.Generic
open System.IO
open System.Threading.Tasks
open CellOS.Export.S3.Core
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support

let private content (name: string) (length: int) =
    let random = Random(name.GetHashCode StringComparison.Ordinal)
    let bytes = Array.zeroCreate<byte> length
    random.NextBytes bytes
    bytes

let private bundle (scene: Scene) (names: string list) =
    let out = scene.Folder.At "out"

    for name in names do
        let path = Path.Join(out, name)
        Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore
        File.WriteAllBytes(path, content name (200 + (name.Length * 37) % 800))

    out

let private arguments (scene: Scene) (receipts: string) (out: string) = [
    "push"
    "--spec"
    scene.Spec
    "--cell-id"
    "cell-7"
    "--receipts"
    receipts
    "--resume"
    "--quiet"
    out
]

/// The receipts of the lines that have their end.
let private wholeReceipts (path: string) =
    if File.Exists path then
        let text = textOf path
        let whole = text.Substring(0, text.LastIndexOf '\n' + 1)

        whole.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        |> Array.map (fun line -> Expect.wantOk (Receipt.parse line) $"a whole line is a receipt: {line}")
        |> List.ofArray
    else
        []

/// A receipt as the first version that read receipts wrote it (539fdbb): without `checksums`, `hostId` and
/// `destinationChecked`. Users have such lines: it is a literal, so that no change of the code changes it.
let private firstForm =
    """{"targetKind":"s3","targetName":"artifact-bucket","destination":"s3://my-cellos-evidence/cell-7/a","bytesWritten":27,"cellId":"cell-7","artifactName":"a","region":"us-west-2","objectUrl":"ENDPOINTmy-cellos-evidence/cell-7/a","sha256":"8aa7f37e2bc187517418f0384791ca75a8ae030b4ad85c629a3c1d7921c658be","md5":"c6590aa0029480490b63bba5fb1ddb88","etag":"\"c6590aa0029480490b63bba5fb1ddb88\"","requestId":"tx00001","integrity":"etag-md5","attempts":1,"startedAt":"2026-11-22T16:10:12.000Z","completedAt":"2026-11-22T16:10:12.345Z"}"""

[<Tests>]
let tests =
    testList "resume" [
        testCase "parses a receipt in its first form" (fun () ->
            Expect.equal
                (Expect.wantOk (Receipt.parse firstForm) "a receipt")
                {
                    TargetKind = "s3"
                    TargetName = Some "artifact-bucket"
                    Destination = "s3://my-cellos-evidence/cell-7/a"
                    BytesWritten = 27L
                    CellId = "cell-7"
                    ArtifactName = "a"
                    Region = Some "us-west-2"
                    ObjectUrl = Some "ENDPOINTmy-cellos-evidence/cell-7/a"
                    Sha256 = "8aa7f37e2bc187517418f0384791ca75a8ae030b4ad85c629a3c1d7921c658be"
                    Md5 = Some "c6590aa0029480490b63bba5fb1ddb88"
                    Checksums = Map.empty
                    ETag = Some "\"c6590aa0029480490b63bba5fb1ddb88\""
                    VersionId = None
                    RequestId = Some "tx00001"
                    HostId = None
                    DestinationChecked = true
                    Integrity = "etag-md5"
                    Attempts = 1
                    StartedAt = DateTimeOffset(2026, 11, 22, 16, 10, 12, TimeSpan.Zero)
                    CompletedAt = DateTimeOffset(2026, 11, 22, 16, 10, 12, 345, TimeSpan.Zero)
                }
                "all fields"

            // Only these were required.
            let least =
                """{"targetKind":"s3","destination":"s3://b/c/a","bytesWritten":0,"cellId":"c","artifactName":"a","sha256":"8aa7f37e2bc187517418f0384791ca75a8ae030b4ad85c629a3c1d7921c658be","integrity":"unverified","attempts":1,"startedAt":"2026-11-22T16:10:12.000Z","completedAt":"2026-11-22T16:10:12.345Z"}"""

            let receipt = Expect.wantOk (Receipt.parse least) "the shortest"
            Expect.equal receipt.TargetName None "nothing else")

        for what, change, sent in
            [
                "leaves out", id, 0
                "sends again, being unverified,",
                (fun (line: string) -> line.Replace("\"etag-md5\"", "\"unverified\"")),
                1
                "sends again, being of another content,",
                (fun (line: string) -> line.Replace("\"8aa7f37e", "\"0aa7f37e")),
                1
            ] do
            testCaseTask $"{what} what has a receipt in the first form" (fun () ->
                task {
                    use! scene = scene ()
                    let out = bundle scene [ "a"; "b" ]
                    File.WriteAllBytes(Path.Join(out, "a"), "evidence of the first form\n"B)
                    let line = (change firstForm).Replace("ENDPOINT", string scene.Server.Endpoint)
                    let receipts = scene.Folder.Write("r.jsonl", line + "\n")
                    let variables = scene.Manifest("cell-7", [ "a"; "b" ])

                    let! struct (code, output, error) =
                        runToolIn variables (arguments scene receipts out)

                    Expect.equal code 0 error

                    Expect.equal
                        (objects output |> List.map (text "artifactName") |> List.sort)
                        (if sent = 0 then [ "b" ] else [ "a"; "b" ])
                        error

                    Expect.equal
                        (scene.Server.Requests
                         |> Seq.filter (fun request -> request.Key = "cell-7/a")
                         |> Seq.length)
                        sent
                        "requests"

                    let lines = File.ReadAllLines receipts
                    Expect.equal lines[0] line "the line is kept as it is"
                    // Old and new lines in one file.
                    let! struct (code, output, error) =
                        runToolIn variables (arguments scene receipts out)

                    Expect.equal code 0 error
                    Expect.equal output "" "now both have a receipt"
                })

        testCaseTask "leaves out what has a receipt, and nothing else" (fun () ->
            task {
                use! scene = scene ()
                let names = [ "a"; "b"; "c"; "d" ]
                let out = bundle scene names
                let receipts = scene.Folder.At "r.jsonl"
                let variables = scene.Manifest("cell-7", names)
                let! struct (code, _, error) = runToolIn variables (arguments scene receipts out)
                Expect.equal code 0 error
                // Another content of the same length; another length; gone from the receipts.
                let b = Path.Join(out, "b")
                File.WriteAllBytes(b, content "other" (int (FileInfo b).Length))
                File.AppendAllText(Path.Join(out, "c"), "more")

                File.WriteAllLines(
                    receipts,
                    File.ReadAllLines receipts
                    |> Array.filter (fun line -> not (line.Contains "\"artifactName\":\"d\""))
                )

                let! struct (code, output, error) =
                    runToolIn variables (arguments scene receipts out)

                Expect.equal code 0 error

                Expect.equal
                    (objects output |> List.map (text "artifactName") |> List.sort)
                    [ "b"; "c"; "d" ]
                    "a has its receipt"

                Expect.stringContains
                    error
                    "'b' and 1 more changed since the receipt: the new content is sent, and the receipt does not count any more."
                    "which are replaced"

                objects output |> List.iter scene.IsTrue
                let! struct (_, output, _) = runToolIn variables (arguments scene receipts out)
                Expect.equal output "" "now all have"

                let other =
                    arguments scene receipts out
                    |> List.map (fun a -> if a = "cell-7" then "cell-8" else a)

                let! struct (_, output, error) = runToolIn (scene.Manifest("cell-8", names)) other
                Expect.hasLength (objects output) 4 $"another cell has none: {error}"
            })

        testCaseTask "sends again what an upload without a receipt may have overwritten" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let a = Path.Join(out, "a")
                let receipts = scene.Folder.At "r.jsonl"

                let variables =
                    scene.Manifest("cell-7", [ "a" ])
                    @ [ "CELLOS_EXPORT_S3_MAX_ATTEMPTS" + suffix, "1" ]

                let run () =
                    runToolIn variables (arguments scene receipts out)

                let original = File.ReadAllBytes a
                let! struct (code, _, error) = run ()
                Expect.equal code 0 error

                for fault, mayBeStored in
                    [
                        Fault.CloseAfterBody(store = true), true
                        Fault.Corrupt, true
                        Fault.WrongETag, true
                        Fault.Status(403, "AccessDenied"), false
                    ] do
                    File.WriteAllBytes(a, content "another" original.Length)
                    scene.Server.OnAttempt <- fun _ -> fault
                    let! struct (code, _, error) = run ()
                    Expect.equal code 1 error
                    scene.Server.OnAttempt <- null
                    File.WriteAllBytes(a, original)
                    let! struct (code, output, error) = run ()
                    Expect.equal code 0 error
                    Expect.hasLength (objects output) (if mayBeStored then 1 else 0) $"%O{fault}"
                    let stored = Expect.wantSome (scene.Stored "cell-7/a") "stored"
                    Expect.equal stored.Sha256 (sha256 original) $"%O{fault}"

                let! struct (_, output, error) = run ()
                Expect.equal output "" "it has its receipt"
                Expect.equal error "" "and no line is unknown"

                let marks =
                    File.ReadAllLines receipts
                    |> Array.filter (fun line -> line.Contains "\"upload\":")

                Expect.hasLength marks 5 "four failures, of which one stored nothing; a repair needs no line"
                Expect.isFalse (marks |> Array.exists _.Contains("Signature")) "no secret"
            })

        testCaseTask "sends again what a killed upload may have overwritten" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let a = Path.Join(out, "a")
                let receipts = scene.Folder.At "r.jsonl"
                let variables = scene.Manifest("cell-7", [ "a" ])
                let original = File.ReadAllBytes a
                let! struct (code, _, error) = runToolIn variables (arguments scene receipts out)
                Expect.equal code 0 error
                let before = scene.Server.Requests.Count
                File.WriteAllBytes(a, content "another" original.Length)
                scene.Server.OnAttempt <- fun _ -> Fault.Silence(afterBody = true)

                // Without --resume: the file of receipts is the same.
                use child =
                    toolWith
                        variables
                        (arguments scene receipts out
                         |> List.filter (fun argument -> argument <> "--resume"))

                while scene.Server.Requests.Count = before do
                    do! Task.Delay 10

                child.Kill()
                let! struct (code, _, _) = child.End()
                Expect.notEqual code 0 "killed"
                scene.Server.OnAttempt <- null
                File.WriteAllBytes(a, original)

                let! struct (code, output, error) =
                    runToolIn variables (arguments scene receipts out)

                Expect.equal code 0 error
                Expect.hasLength (objects output) 1 "the receipt from before does not count"
            })

        testCaseTask "mends a torn last line, and loses no other" (fun () ->
            task {
                use! scene = scene ()
                let names = [ "a"; "b"; "c" ]
                let out = bundle scene names
                let receipts = scene.Folder.At "r.jsonl"
                let variables = scene.Manifest("cell-7", names)
                let! struct (_, _, _) = runToolIn variables (arguments scene receipts out)
                let whole = File.ReadAllText receipts
                let lines = whole.Split('\n', StringSplitOptions.RemoveEmptyEntries)

                for cut in [ 1; 2; lines[2].Length / 2; lines[2].Length - 40; lines[2].Length ] do
                    File.WriteAllText(
                        receipts,
                        "a note of the operator\n" + whole.Substring(0, whole.Length - cut)
                    )

                    let! struct (code, output, error) =
                        runToolIn variables (arguments scene receipts out)

                    Expect.equal code 0 error
                    let sent = if cut = 1 then 0 else 1
                    Expect.hasLength (objects output) sent "what lost its receipt is exported again"
                    let now = File.ReadAllLines receipts
                    Expect.equal now[0] "a note of the operator" "not ours, and kept"
                    Expect.sequenceEqual now[1..2] lines[0..1] "the whole lines"
                    // What tells its destination is kept: earlier receipts of the object would not count.
                    let torn = if cut > 1 && cut < lines[2].Length - 40 then 1 else 0
                    Expect.hasLength now (4 + torn) "three receipts"

                    let! struct (_, output, error) = runToolIn variables (arguments scene receipts out)

                    Expect.isEmpty (objects output) $"the last one counts: {error}"
            })

        testCaseTask "sends again what files of receipts put together in another order are about" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let a = Path.Join(out, "a")
                let variables = scene.Manifest("cell-7", [ "a" ])
                let older, newer = scene.Folder.At "r1", scene.Folder.At "r2"
                let original = File.ReadAllBytes a
                let! struct (code, _, error) = runToolIn variables (arguments scene older out)
                Expect.equal code 0 error
                File.WriteAllBytes(a, content "another" original.Length)
                let! struct (code, _, error) = runToolIn variables (arguments scene newer out)
                Expect.equal code 0 error
                File.WriteAllBytes(a, original)
                let all = scene.Folder.Write("all", textOf newer + textOf older)
                let! struct (code, output, error) = runToolIn variables (arguments scene all out)
                Expect.equal code 0 error
                Expect.hasLength (objects output) 1 "the store has the newer content"
                objects output |> List.iter scene.IsTrue
                let! struct (_, output, _) = runToolIn variables (arguments scene all out)
                Expect.equal output "" "the last receipt counts"
            })

        testCaseTask
            "takes back receipts of an object that a renamed target reaches by another name"
            (fun () ->
                task {
                    use! scene = sceneBehind true
                    let out = bundle scene [ "a" ]
                    let a = Path.Join(out, "a")
                    let receipts = scene.Folder.At "r.jsonl"
                    let original = File.ReadAllBytes a
                    let localhost = scene.Server.Endpoint.ToString().Replace("127.0.0.1", "localhost")

                    let run (target: string) (endpoint: string) =
                        File.WriteAllText(scene.Spec, seedSpec.Replace("artifact-bucket", target))

                        runToolIn
                            [
                                $"CELLOS_EXPORT_S3_PRESIGNED_URL__{target.ToUpperInvariant()}",
                                endpoint + bucket + "/{cell_id}/{artifact_name}"
                                $"CELLOS_EXPORT_S3_MAX_ATTEMPTS__{target.ToUpperInvariant()}", "1"
                            ]
                            (arguments scene receipts out)

                    let! struct (code, _, error) = run "one" (string scene.Server.Endpoint)
                    Expect.equal code 0 error
                    File.WriteAllBytes(a, content "another" original.Length)
                    scene.Server.OnAttempt <- fun _ -> Fault.CloseAfterBody(store = true)
                    let! struct (code, _, error) = run "two" localhost
                    Expect.equal code 1 error
                    scene.Server.OnAttempt <- null
                    File.WriteAllBytes(a, original)
                    let! struct (code, output, error) = run "one" (string scene.Server.Endpoint)
                    Expect.equal code 0 error
                    Expect.hasLength (objects output) 1 "the object was overwritten"
                    objects output |> List.iter scene.IsTrue
                })

        testCaseTask
            "a file that changes between two targets of one destination ends the push with 1"
            (fun () ->
                task {
                    use! scene = sceneBehind true
                    let source = scene.Folder.Write("one.txt", "ONE")
                    let receipts = scene.Folder.At "r.jsonl"

                    twoTargets scene [ "a", "one.txt", "one"; "a", "one.txt", "two" ]

                    let url (endpoint: string) =
                        endpoint + bucket + "/{cell_id}/{artifact_name}"

                    let here = string scene.Server.Endpoint

                    let run () =
                        runToolIn [
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__ONE", url here
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__TWO",
                            url (here.Replace("127.0.0.1", "localhost"))
                        ] [
                            "push"
                            "--spec"
                            scene.Spec
                            "--cell-id"
                            "cell-7"
                            "--root"
                            scene.Folder.Path
                            "--receipts"
                            receipts
                            "--resume"
                            "--json"
                        ]

                    let! struct (code, _, error) = run ()
                    Expect.equal code 0 error
                    let! struct (_, output, _) = run ()
                    Expect.equal output "" "both are copies"
                    let mutable count = 0

                    scene.Server.OnAttempt <-
                        fun _ ->
                            count <- count + 1
                            File.AppendAllText(source, "+more")
                            Fault.None

                    File.AppendAllText(source, "+")
                    let! struct (code, output, error) = run ()
                    Expect.equal code 1 error
                    Expect.hasLength (objects output) 2 error
                    Expect.stringContains error "receipts of different content" "said"
                    scene.Server.OnAttempt <- null
                    let! struct (code, output, error) = run ()
                    Expect.equal code 0 error
                    Expect.hasLength (objects output) 2 "neither is relied on"
                })

        testCaseTask
            "an upload over the object of another cell is noted, and refused by strict mode"
            (fun () ->
                task {
                    use! scene = sceneBehind true
                    let out = bundle scene [ "a" ]
                    let receipts = scene.Folder.At "r.jsonl"

                    let run cell strict =
                        runToolIn
                            [
                                urlVariable, $"{scene.Server.Endpoint}put/{{artifact_name}}"
                                if strict then
                                    "CELLOS_STRICT_CONFIG", "1"
                            ]
                            (arguments scene receipts out
                             |> List.map (fun a -> if a = "cell-7" then cell else a))

                    scene.Server.OnAttempt <- fun _ -> Fault.Status(200)
                    let! struct (_, _, _) = run "cell-7" false
                    scene.Server.OnAttempt <- null

                    File.WriteAllText(
                        receipts,
                        Receipt.toJson {
                            receipt "a" with
                                TargetName = Some "artifact-bucket"
                                CellId = "cell-7"
                                Destination = $"s3://{bucket}/cell-7/a"
                                ObjectUrl = Some $"{scene.Server.Endpoint}put/a"
                        }
                        + "\n"
                    )

                    let before = scene.Server.Requests.Count
                    let! struct (code, _, error) = run "cell-8" true
                    Expect.equal code 2 error
                    Expect.stringContains error "'a' of the cell 'cell-7'" "which receipt"
                    Expect.equal scene.Server.Requests.Count before "nothing was sent"
                    let! struct (_, _, error) = run "cell-8" false
                    Expect.stringContains error "'a' of the cell 'cell-7'" "a note"
                    Expect.stringContains (textOf receipts) "\"upload\":\"started\"" "it is taken back"
                })

        testCaseTask
            "after 50 kills at random moments ends with every artifact receipted and stored intact"
            (fun () ->
                task {
                    use! scene = scene ()
                    let names = [ for i in 1..500 -> $"d{i % 7}/f{i}.bin" ]
                    let out = bundle scene names
                    let receipts = scene.Folder.At "r.jsonl"
                    let variables = scene.Manifest("cell-7", names)
                    let random = Random 20261122
                    // So slow that a run does not get far before it is killed.
                    scene.Server.OnAttempt <- fun _ -> Fault.SlowRead 20_000
                    let sentBefore = Dictionary<string, int>()
                    let mutable kills = 0

                    let puts () =
                        scene.Server.Requests |> Seq.countBy _.Key |> dict

                    let holds () =
                        for receipt in wholeReceipts receipts do
                            let key = $"cell-7/{receipt.ArtifactName}"
                            let stored = Expect.wantSome (scene.Stored key) $"{key} has a receipt"
                            Expect.equal stored.Sha256 receipt.Sha256 "it is what was stored"

                            match sentBefore.TryGetValue key with
                            | true, count -> Expect.equal (puts()[key]) count $"{key} was not sent again"
                            | _ -> sentBefore[key] <- puts()[key]

                    while kills < 50 do
                        use child = toolWith variables (arguments scene receipts out)
                        // From before the first request to some artifacts later.
                        let lines = random.Next 8

                        if lines = 0 then
                            do! Task.Delay(random.Next 200)

                        for _ in 1..lines do
                            let! line = child.ReadLine()
                            Expect.isNotNull line "it goes on"

                        do! Task.Delay(random.Next 10)
                        child.Kill()
                        let! struct (code, _, _) = child.End()
                        Expect.notEqual code 0 "killed before its end"
                        kills <- kills + 1
                        holds ()

                    scene.Server.OnAttempt <- null
                    let! struct (code, _, error) = runToolIn variables (arguments scene receipts out)
                    Expect.equal code 0 error
                    holds ()
                    let all = wholeReceipts receipts

                    Expect.sequenceEqual
                        (all |> Seq.map _.ArtifactName |> Seq.distinct |> Seq.sort)
                        (Seq.sort names)
                        "every artifact has a receipt"

                    for name in names do
                        let stored = Expect.wantSome (scene.Stored $"cell-7/{name}") name

                        Expect.equal
                            stored.Sha256
                            (sha256 (File.ReadAllBytes(Path.Join(out, name))))
                            "intact"
                })
    ]
