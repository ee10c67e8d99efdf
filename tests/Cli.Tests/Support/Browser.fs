/// A browser without a window, driven by its DevTools protocol.
module Cli.Tests.Browser

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Net.WebSockets
open System.Text
open System.Text.Json
open System.Threading
open System.Threading.Tasks
open Expecto
open Cli.Tests.Support

let private patience = TimeSpan.FromSeconds 60.

let requireBrowser () =
    if not (has "chromium") then
        skiptest "chromium is not installed"

/// A tab of a browser.
type Tab(send: string -> obj -> Task<JsonElement>, events: unit -> (string * JsonElement) list) =

    /// The value of a JavaScript expression.
    member _.Evaluate(expression: string) =
        task {
            let! answer =
                send "Runtime.evaluate" {|
                    expression = expression
                    returnByValue = true
                    awaitPromise = true
                |}

            let mutable fault = Unchecked.defaultof<JsonElement>

            if answer.TryGetProperty("exceptionDetails", &fault) then
                failtest $"{expression}: {fault}"

            return answer.GetProperty("result").GetProperty "value"
        }

    /// Opens a file in a viewport of this width, in one of the schemes `light` and `dark`, for `screen` or for `print`.
    member _.Open(path: string, fragment: string, width: int, scheme: string, media: string) =
        task {
            for domain in [ "Page"; "Network"; "Log" ] do
                let! _ = send $"{domain}.enable" {| |}
                ()

            let! _ =
                send "Emulation.setDeviceMetricsOverride" {|
                    width = width
                    height = 900
                    deviceScaleFactor = 1
                    mobile = width < 600
                |}

            let! _ =
                send "Emulation.setEmulatedMedia" {|
                    media = media
                    features = [|
                        {|
                            name = "prefers-color-scheme"
                            value = scheme
                        |}
                    |]
                |}

            let! _ =
                send "Page.navigate" {|
                    url = Uri(path).AbsoluteUri + fragment
                |}

            let waiting = Stopwatch.StartNew()

            while not (events () |> List.exists (fst >> (=) "Page.loadEventFired")) do
                if waiting.Elapsed > patience then
                    failtest $"{path} was not loaded"

                do! Task.Delay 10
        }

    /// A picture of the whole page, or of its beginning.
    member _.Picture(isWhole: bool) =
        task {
            let! answer =
                send "Page.captureScreenshot" {|
                    format = "png"
                    captureBeyondViewport = isWhole
                |}

            return answer.GetProperty("data").GetBytesFromBase64()
        }

    /// The addresses of all that the page asked for, the page itself among them.
    member _.Requests = [
        for name, parameters in events () do
            if name = "Network.requestWillBeSent" then
                (nonNull (parameters.GetProperty("request").GetProperty("url").GetString()))
    ]

    /// What the browser complains of, such as violations of the page's policy.
    member _.Complaints = [
        for name, parameters in events () do
            if name = "Log.entryAdded" then
                (nonNull (parameters.GetProperty("entry").GetProperty("text").GetString()))
    ]

/// A browser with a profile of its own.
type Browser private (started: Process, folder: Folder, socket: ClientWebSocket) =
    let answers = ConcurrentDictionary<int, TaskCompletionSource<JsonElement>>()
    let events = ConcurrentQueue<string * string * JsonElement>()
    let mutable last = 0
    let gate = new SemaphoreSlim(1)

    let take (message: JsonElement) =
        let mutable id = Unchecked.defaultof<JsonElement>
        let mutable session = Unchecked.defaultof<JsonElement>

        if message.TryGetProperty("id", &id) then
            answers[id.GetInt32()].SetResult message
        elif message.TryGetProperty("sessionId", &session) then
            events.Enqueue(
                (nonNull (session.GetString()),
                 nonNull (message.GetProperty("method").GetString()),
                 message.GetProperty "params")
            )

    let listen () =
        task {
            let buffer = Array.zeroCreate<byte> 65536
            use message = new MemoryStream()

            while socket.State = WebSocketState.Open do
                let! part = socket.ReceiveAsync(ArraySegment buffer, CancellationToken.None)
                message.Write(buffer, 0, part.Count)

                if part.EndOfMessage && part.Count > 0 then
                    take (JsonDocument.Parse(message.ToArray()).RootElement)
                    message.SetLength 0L
        }

    let listening = listen ()

    let send (session: string option) (name: string) (parameters: obj) =
        task {
            do! gate.WaitAsync()
            last <- last + 1
            let id = last
            let answer = TaskCompletionSource<JsonElement>()
            answers[id] <- answer

            let message =
                match session with
                | Some session ->
                    JsonSerializer.SerializeToUtf8Bytes {|
                        id = id
                        method = name
                        ``params`` = parameters
                        sessionId = session
                    |}
                | None ->
                    JsonSerializer.SerializeToUtf8Bytes {|
                        id = id
                        method = name
                        ``params`` = parameters
                    |}

            do!
                socket.SendAsync(
                    ArraySegment message,
                    WebSocketMessageType.Text,
                    true,
                    CancellationToken.None
                )

            gate.Release() |> ignore
            let! answer = answer.Task.WaitAsync patience
            let mutable fault = Unchecked.defaultof<JsonElement>

            if answer.TryGetProperty("error", &fault) then
                failtest $"{name}: {fault}"

            return answer.GetProperty "result"
        }

    static member Start() =
        task {
            let folder = new Folder()

            let arguments = [
                "--headless=new"
                "--no-sandbox"
                "--disable-gpu"
                "--disable-dev-shm-usage"
                "--disable-background-networking"
                "--no-first-run"
                "--hide-scrollbars"
                "--remote-debugging-port=0"
                $"--user-data-dir={folder.Path}"
                "about:blank"
            ]

            let info =
                ProcessStartInfo(
                    "chromium",
                    arguments,
                    RedirectStandardError = true,
                    RedirectStandardOutput = true
                )

            let started = nonNull (Process.Start info)
            let prefix = "DevTools listening on "
            let mutable address = ""

            while address = "" do
                let! line = started.StandardError.ReadLineAsync().WaitAsync patience

                match line with
                | null -> failtest "chromium ended before it listened"
                | line when line.StartsWith prefix -> address <- line.Substring prefix.Length
                | _ -> ()

            let _ = started.StandardError.ReadToEndAsync()
            let _ = started.StandardOutput.ReadToEndAsync()
            let socket = new ClientWebSocket()
            do! socket.ConnectAsync(Uri address, CancellationToken.None)
            return new Browser(started, folder, socket)
        }

    /// Opens a tab.
    member _.Tab() =
        task {
            let! target = send None "Target.createTarget" {| url = "about:blank" |}
            let id = nonNull (target.GetProperty("targetId").GetString())

            let! attached = send None "Target.attachToTarget" {| targetId = id; flatten = true |}

            let session = nonNull (attached.GetProperty("sessionId").GetString())

            let own () = [
                for other, name, parameters in events do
                    if other = session then
                        name, parameters
            ]

            return Tab(send (Some session), own)
        }

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            task {
                started.Kill true
                do! started.WaitForExitAsync()

                // The connection ends with the process, in whichever way.
                do! (listening :> Task).ContinueWith(fun (_: Task) -> ())
                socket.Dispose()
                started.Dispose()
                gate.Dispose()
                (folder :> IDisposable).Dispose()
            }
            |> ValueTask
