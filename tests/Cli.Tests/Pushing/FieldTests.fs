/// What gateways, portals and presigners of the field make of a push, from the command line to the store.
module Cli.Tests.FieldTests

open System
open System.IO
open System.Text
open System.Text.Json
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support

let private pushing (scene: Scene) (arguments: string list) =
    [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments

let private push (scene: Scene) variables arguments =
    runToolIn variables (pushing scene arguments)

let private check (scene: Scene) variables (arguments: string list) =
    runToolIn variables ([ "check"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments)

let private strict = "CELLOS_STRICT_CONFIG", "1"

let private signed (scene: Scene) =
    File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))

let private file (scene: Scene) (name: string) =
    scene.Folder.Write($"out/{name}", $"evidence of {name}")

/// The URL of a gateway that signs by itself.
let private gateway (scene: Scene) = [
    urlVariable, $"{scene.Server.Endpoint}{bucket}/{{cell_id}}/{{artifact_name}}"
    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS" + suffix, "0"
]

let private manifest (scene: Scene) (entries: (string * string) list) = [
    urlsFileVariable, scene.Folder.Write("urls.json", JsonSerializer.Serialize(dict entries))
    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS" + suffix, "0"
]

let private response (status: string) (headers: string) (body: string) =
    Encoding.UTF8.GetBytes
        $"HTTP/1.1 {status}\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount body}\r\nConnection: close\r\n\r\n{body}"
    |> Fault.RawReply

let private answers (scene: Scene) (fault: Fault) =
    scene.Server.OnAttempt <- fun _ -> fault

let private occurrences (part: string) (text: string) = text.Split(part).Length - 1

let private sent (scene: Scene) = scene.Server.Requests.Count

/// Refused with 2 by `push`, in strict mode too, and nothing is sent. `check` ends with 2 as well.
let private isRefused (scene: Scene) variables paths (message: string) =
    task {
        for variables in [ variables; strict :: variables ] do
            let! struct (code, output, error) = push scene variables paths
            Expect.equal (code, output) (2, "") error
            Expect.stringContains error message "why"
            let! struct (code, output, error) = check scene variables paths
            Expect.equal code 2 (output + error)
            Expect.stringContains (output + error) message "check says the same"
            Expect.isEmpty scene.Server.Requests "nothing was sent"
    }

[<Tests>]
let tests =
    testList "in the field" [
        for status in [ "201 Created"; "204 No Content" ] do
            testCaseTask $"a gateway's {status} without a mark is exported with one warning" (fun () ->
                task {
                    for quiet in [ []; [ "--quiet" ] ] do
                        use! scene = sceneBehind true
                        let paths = [ file scene "a"; file scene "b" ]
                        answers scene (response status "" "")
                        let! struct (code, output, error) = push scene (gateway scene) (quiet @ paths)
                        Expect.equal code 0 error
                        let receipts = objects output
                        Expect.hasLength receipts 2 "both"

                        for receipt in receipts do
                            Expect.equal (text "integrity" receipt) "unverified" "nothing confirms it"

                        Expect.equal
                            (occurrences "Further warnings of this kind are not shown." error)
                            1
                            $"one warning, %A{quiet}: {error}"
                })

        testCaseTask "a failure names its artifact once" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                let path = file scene "named-once"
                scene.Server.OnAttempt <- fun _ -> Fault.Status(403, "AccessDenied")

                let! struct (code, _, error) =
                    push scene (scene.Manifest("cell-7", [ "named-once" ])) [ path ]

                Expect.equal code 1 error
                Expect.stringContains error "failed named-once: " "the line"
                Expect.equal (occurrences "named-once" error) 1 error
            })

        testCaseTask "an unverified receipt is exported again, unless --accept-unverified says so" (fun () ->
            task {
                use! scene = sceneBehind true
                let a = file scene "a"
                let receipts = scene.Folder.At "r.jsonl"
                answers scene (response "204 No Content" "" "")
                let variables = gateway scene
                let required = ("CELLOS_EXPORT_S3_INTEGRITY" + suffix, "require") :: variables
                let resume = [ "--receipts"; receipts; "--resume"; a ]
                let! struct (code, _, error) = push scene variables [ "--receipts"; receipts; a ]
                Expect.equal (code, sent scene) (0, 1) error

                let! struct (code, output, error) = push scene variables resume
                Expect.equal (code, sent scene) (0, 2) $"sent again: {error}"
                Expect.hasLength (objects output) 1 "with a receipt"

                let! struct (code, output, error) =
                    push scene variables ("--accept-unverified" :: resume)

                Expect.equal (code, sent scene, output) (0, 2, "") $"accepted: {error}"
                Expect.stringContains error "skipped a" "it has a receipt"

                let! struct (code, output, error) =
                    push scene variables [ "--accept-unverified"; "--receipts"; receipts; a ]

                Expect.equal (code, sent scene, output) (2, 2, "") error
                Expect.stringContains error "--accept-unverified needs --resume" "why"

                let before =
                    (File.ReadAllLines receipts |> Array.filter _.Contains("integrity")).Length

                let! struct (code, output, error) = push scene required resume
                Expect.equal (code, sent scene) (1, 3) $"required, and nothing confirms it: {error}"
                let failed = (objects output |> List.exactlyOne).GetProperty "error"
                Expect.equal (text "kind" failed) "Unverified" "the kind"

                let after =
                    (File.ReadAllLines receipts |> Array.filter _.Contains("integrity")).Length

                Expect.equal after before "no receipt"

                scene.Server.OnAttempt <- fun _ -> Fault.None

                let! struct (code, output, error) =
                    push scene (scene.Manifest("cell-7", [ "a" ])) resume

                Expect.equal code 0 error
                objects output |> List.exactlyOne |> scene.IsTrue
            })

        testCaseTask "a resumed push with a manifest of another host names both hosts" (fun () ->
            task {
                use! scene = scene ()
                let a = file scene "a"
                let receipts = scene.Folder.At "r.jsonl"
                let url = scene.Server.Presign("PUT", bucket, "cell-7/a")

                let! struct (code, _, error) =
                    push scene (manifest scene [ "a", url ]) [ "--receipts"; receipts; a ]

                Expect.equal (code, sent scene) (0, 1) error
                let other = url.Replace("127.0.0.1", "localhost")

                let! struct (code, output, error) =
                    push scene (manifest scene [ "a", other ]) [ "--receipts"; receipts; "--resume"; a ]

                Expect.equal (code, output, sent scene) (0, "", 1) error
                let port = scene.Server.Endpoint.Port

                Expect.stringContains
                    error
                    $"a: receipts say that it was sent to 'http://127.0.0.1:{port}', and the URL is for 'http://localhost:{port}' now"
                    "both"
            })

        for what, reply, kind in
            [
                "an HTML page",
                response "200 OK" "Content-Type: text/html\r\n" "<html><body>Sign in</body></html>",
                "NotAStore"
                "a 200 without a mark", response "200 OK" "" "", "Unconfirmed"
                "a 200 with an <Error>",
                response
                    "200 OK"
                    "Content-Type: application/xml\r\n"
                    "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
                "NotAStore"
            ] do
            testCaseTask $"{what} is not a success of a store: no receipt, and --resume uploads" (fun () ->
                task {
                    use! scene = scene ()
                    let a = file scene "a"
                    let receipts = scene.Folder.At "r.jsonl"
                    let variables = scene.Manifest("cell-7", [ "a" ])
                    answers scene reply

                    let! struct (code, output, error) =
                        push scene variables [ "--receipts"; receipts; a ]

                    Expect.equal code 1 error
                    let failed = (objects output |> List.exactlyOne).GetProperty "error"
                    Expect.equal (text "kind" failed) kind (failed.GetRawText())
                    Expect.equal (text "mayBeStored" failed) "True" "it may be stored"
                    Expect.stringContains error "failed a: " "people read why"
                    Expect.equal (File.ReadAllText receipts) "" "no receipt"

                    scene.Server.OnAttempt <- fun _ -> Fault.None
                    let resume = [ "--receipts"; receipts; "--resume"; a ]
                    let! struct (code, output, error) = push scene variables resume
                    Expect.equal code 0 error
                    objects output |> List.exactlyOne |> scene.IsTrue
                })

        testCaseTask "ACCEPT_UNMARKED accepts a 200 without a mark, and no page" (fun () ->
            task {
                use! scene = scene ()
                let a = file scene "a"

                let variables =
                    ("CELLOS_EXPORT_S3_ACCEPT_UNMARKED" + suffix, "1")
                    :: scene.Manifest("cell-7", [ "a" ])

                answers scene (response "200 OK" "" "")
                let! struct (code, output, error) = push scene variables [ a ]
                Expect.equal code 0 error
                let receipt = objects output |> List.exactlyOne
                Expect.equal (text "integrity" receipt) "unverified" "nothing confirms it"
                Expect.stringContains error "Further warnings of this kind are not shown." "a warning"

                answers scene (response "200 OK" "Content-Type: text/html\r\n" "<html></html>")
                let! struct (code, output, error) = push scene variables [ a ]
                Expect.equal code 1 error
                let failed = (objects output |> List.exactlyOne).GetProperty "error"
                Expect.equal (text "kind" failed) "NotAStore" "a page"
            })

        testCaseTask "swapped URLs in a manifest are refused on any host" (fun () ->
            task {
                use! scene = scene ()
                signed scene
                file scene "a" |> ignore
                file scene "b" |> ignore

                let url key =
                    scene.Server.Presign("PUT", bucket, $"cell-7/{key}")

                let variables = manifest scene [ "a", url "b"; "b", url "a" ]
                do! isRefused scene variables [ scene.Folder.At "out" ] "key-mismatch"
            })

        testCaseTask "two artifacts over one exact URL are refused" (fun () ->
            task {
                use! scene = scene ()
                signed scene
                file scene "a" |> ignore
                file scene "b" |> ignore
                let url = scene.Server.Presign("PUT", bucket, "cell-7/a")
                let variables = [ urlVariable, url ]
                do! isRefused scene variables [ scene.Folder.At "out" ] "exact-url-many-artifacts"
            })

        testCaseTask "a URL that is presigned to read is refused" (fun () ->
            task {
                use! scene = scene ()
                signed scene
                let a = file scene "a"
                let url = scene.Server.Presign("PUT", bucket, "cell-7/a") + "&x-id=GetObject"
                do! isRefused scene (manifest scene [ "a", url ]) [ a ] "GetObject"
            })

        testCaseTask
            "a name that is not valid UTF-8 is refused, also beside the file that it is displayed as"
            (fun () ->
                task {
                    use! scene = scene ()
                    signed scene
                    let variables = scene.Manifest("cell-7", [ "a\ufffdb" ])
                    // The name as .NET would read the other one.
                    file scene "a\ufffdb" |> ignore

                    shell "cd \"$0\" && echo other >\"$(printf 'a\\377b')\"" (scene.Folder.At "out")
                    |> ignore

                    do! isRefused scene variables [ scene.Folder.At "out" ] "is not valid UTF-8"
                    shell "rm -f \"$0\"/*" (scene.Folder.At "out") |> ignore
                })

        testCaseTask "a setting of the environment in a spec is refused in strict mode" (fun () ->
            task {
                use! scene = scene ()
                signed scene
                File.AppendAllText(scene.Spec, "      maxAttempts: 9\n")
                let a = file scene "a"
                let variables = scene.Manifest("cell-7", [ "a" ])
                let! struct (code, output, error) = push scene (strict :: variables) [ a ]
                Expect.equal (code, output) (2, "") error
                Expect.stringContains error ("CELLOS_EXPORT_S3_MAX_ATTEMPTS" + suffix) "where it belongs"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
                let! struct (code, _, error) = push scene variables [ a ]
                Expect.equal code 0 error
                Expect.stringContains error "warning unknown-key" "a warning otherwise"
            })
    ]
