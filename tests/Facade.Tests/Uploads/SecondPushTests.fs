/// Several pushes through one sink, on one connection where that is possible.
module Facade.Tests.SecondPushTests

open System.Threading.Tasks
open CellOS.Export
open Expecto
open Facade.Tests.FaultLab
open Facade.Tests.FaultLaws
open Facade.Tests.Support

let private success = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
let private refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"

let private close (exchange: Exchange) : Task = task { exchange.Close() }

/// How the first push ends on the wire, what is waited for then, and how many connections both take.
let private between: (string * (TaskCompletionSource -> Exchange -> Task) * int) list =
    let stored (exchange: Exchange) : Task =
        task {
            do! takeWhole exchange
            exchange.Store()
        }

    let answering
        (text: Exchange -> string)
        (next: Exchange -> Task)
        (over: TaskCompletionSource)
        exchange
        : Task =
        task {
            do! stored exchange
            do! exchange.Send(text exchange)
            do! next exchange
            over.SetResult()
        }

    let nothing (_: Exchange) = Task.CompletedTask

    [
        "the connection is left as it should be", answering ok nothing, 1
        "a second success comes with the first", answering (fun exchange -> ok exchange + success) nothing, 2
        "a refusal comes with the success", answering (fun exchange -> ok exchange + refusal) nothing, 2
        "rubbish comes with the success", answering (fun exchange -> ok exchange + "\r\nrubbish") nothing, 2
        for name, text in [ "success", success; "refusal", refusal; "line of rubbish", "rubbish\r\n" ] do
            $"a second answer comes a moment later, a {name}",
            answering ok (fun exchange ->
                task {
                    do! Task.Delay 50
                    do! exchange.Send text
                }),
            2
        "the server closes", answering ok close, 2
        "the server resets",
        answering ok (fun exchange ->
            task {
                // Later than the answer, which a reset would take away.
                do! Task.Delay 50
                exchange.Reset()
            }),
        2
        "the server sends a FIN and stays",
        (fun over exchange ->
            task {
                do! stored exchange
                do! exchange.Send(ok exchange)
                let held = exchange.FinishAndHold()
                over.SetResult()
                do! held
            }),
        2
        "the server says that it closes, and does not",
        answering (fun exchange -> (ok exchange).Replace("\r\nETag", "\r\nConnection: close\r\nETag")) nothing,
        2
        "the success has a body that does not come",
        answering (fun exchange -> (ok exchange).Replace("Length: 0", "Length: 9")) nothing,
        2
        "the success has a body with a bad chunk",
        answering
            (fun exchange ->
                (ok exchange)
                    .Replace("Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"))
            nothing,
        2
    ]

let private secondPush name first connections =
    testCaseTask $"where {name}" (fun () ->
        task {
            let over = TaskCompletionSource()
            use! lab = labFor { setup with Attempts = 1 } (raw (first over)) 1
            let! outcome, account = lab.Push(patterned 50_000)
            Expect.isOk outcome "the first receipt"
            do! over.Task
            let! outcome, again = lab.Push(patterned 60_000)
            Expect.isOk outcome "the second receipt"
            Expect.hasLength (again ()).Requests 1 "sent once"
            Expect.equal (account ()).Connections connections "connections"
        })

/// The server closes the connection when it has seen the second request on it, and says nothing.
let private closedOnReuse attempts =
    task {
        let isFirst = ref true

        let serve (exchange: Exchange) : Task =
            task {
                if isFirst.Value then
                    isFirst.Value <- false
                    do! healthy exchange
                else
                    exchange.Close()
            }

        use! lab = labFor { setup with Attempts = attempts } (raw serve) 2
        let! outcome, _ = lab.Push(patterned 50_000)
        Expect.isOk outcome "the first receipt"
        let! outcome, account = lab.Push(patterned 60_000)
        Expect.hasLength (account ()).Requests attempts "as many requests as attempts"
        return outcome
    }

[<Tests>]
let tests =
    testList "a second push is sent once and has its own answer" [
        for name, first, connections in between do
            secondPush name first connections

        testCaseTask "and is not sent again where the connection ends instead" (fun () ->
            task {
                let! outcome = closedOnReuse 1
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
            })

        testCaseTask "and by another attempt where the connection ends instead" (fun () ->
            task {
                let! outcome = closedOnReuse 2
                Expect.equal (Expect.wantOk outcome "a receipt").Attempts 2 "two attempts"
            })
    ]
