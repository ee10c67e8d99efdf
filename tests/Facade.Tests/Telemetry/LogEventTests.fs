/// The ids and names of what is logged: queries and alerts depend on them.
module Facade.Tests.LogEventTests

open System
open System.Collections.Concurrent
open System.Reflection
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.Logging
open Facade.Tests.Support

/// None of these may be changed, or used for something else. A new event gets the next number.
let private events = [
    1, "AttemptReplied", LogLevel.Debug
    2, "AttemptFailed", LogLevel.Warning
    3, "ArtifactExported", LogLevel.Information
    4, "ExportFailed", LogLevel.Error
    5, "ProgressFailed", LogLevel.Warning
    6, "ConfigurationWarning", LogLevel.Warning
    7, "ConfigurationAdvice", LogLevel.Information
    8, "TelemetryFailed", LogLevel.Warning
    9, "ReceiptWarning", LogLevel.Warning
    10, "UrlDelayed", LogLevel.Warning
    11, "UrlCommandWrote", LogLevel.Warning
    12, "UrlCommandMisled", LogLevel.Error
    13, "UrlKeyMismatch", LogLevel.Warning
    14, "ArtifactSpooled", LogLevel.Warning
    15, "ArtifactNotSpooled", LogLevel.Error
    16, "SpoolFaulted", LogLevel.Warning
]

type private Noting() =
    let seen = ConcurrentQueue<int * string * LogLevel>()
    member _.Seen = List.ofSeq seen

    interface ILogger<PresignedS3ExportSink> with
        member _.BeginScope _ = null
        member _.IsEnabled _ = true

        member _.Log(level, event, _, _, _) =
            seen.Enqueue(event.Id, string event.Name, level)

[<Tests>]
let tests =
    testList "the events of the log" [
        testCase "are those of the table, and no other" (fun () ->
            let declared =
                nonNull(typeof<PresignedS3ExportSink>.Assembly.GetType "CellOS.Export.S3.Log")
                    .GetMethods(BindingFlags.Static ||| BindingFlags.NonPublic)
                |> Seq.choose (fun found ->
                    found.GetCustomAttribute<LoggerMessageAttribute>() |> Option.ofObj)
                |> Seq.map (fun event -> event.EventId, string event.EventName, event.Level)
                |> Seq.sort

            Expect.sequenceEqual declared events "ids, names and levels")

        testCaseTask "come with their ids and names" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                scene.Server.Misbehave(bucket, scene.Key, Fault.ResetBeforeBody)
                let log = Noting()
                use sink = new PresignedS3ExportSink(optionsFor scene.Url, TimeProvider.System, log)
                let! _ = sink.PushAsync("a", scene.Path)
                let! _ = failureOf (fun () -> sink.PushAsync("a", scene.Folder.At "missing"))

                Expect.sequenceEqual
                    log.Seen
                    [ events[1]; events[0]; events[2]; events[3] ]
                    "one push, another"
            })

        testCaseTask
            "a receipt that nothing confirms has a warning, which is logged as ReceiptWarning"
            (fun () ->
                task {
                    for status in [ "201 Created"; "204 No Content" ] do
                        let behindGateway =
                            LoopbackS3Options(Buckets = [| Bucket(bucket, IsBehindGateway = true) |])

                        use! scene = sceneWith behindGateway "a" (patterned 10)

                        let reply =
                            Text.Encoding.ASCII.GetBytes $"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"

                        scene.Server.Misbehave(bucket, scene.Key, Fault.RawReply reply)
                        let log = Noting()
                        // Without a signature: a gateway's.
                        let url = scene.Url.Substring(0, scene.Url.IndexOf '?')
                        use sink = new PresignedS3ExportSink(optionsFor url, TimeProvider.System, log)
                        let! receipt = sink.PushAsync("a", scene.Path)
                        Expect.equal (string receipt.Integrity) "unverified" status
                        Expect.isNotEmpty (string receipt.Warning) "the warning"
                        Expect.contains log.Seen events[8] "the event"
                })
    ]
