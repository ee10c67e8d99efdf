/// Runs the broker of `samples/Broker` as its operators do: as a process of its own.
module Samples.Tests.BrokerProcess

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Net.Http
open System.Net.Http.Headers
open System.Net.Sockets
open System.Security.Cryptography
open System.Text
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open System.Threading
open System.Threading.Tasks
open Expecto
open LoopbackS3
open Samples.Tests.Presigning
open Samples.Tests.Script

let private patience = TimeSpan.FromSeconds 120.

/// The folder below `bin` where a project of the repository is built: as this program is.
let built =
    let here = DirectoryInfo(Path.TrimEndingDirectorySeparator AppContext.BaseDirectory)

    Path.Combine((nonNull here.Parent).Name, here.Name)

let private program =
    Path.Combine(root, "samples", "Broker", "bin", built, "Broker.dll")

/// The tokens that `tokensFile` allows.
let token = "T0ken-of-host-7"
let otherToken = "T0ken-of-host-8"

/// An entry of a file of tokens: the caller's name, its token, and the cells and prefixes that it may have.
let entry (name: string) (token: string) (cells: string list) (prefixes: string list) =
    let list (names: string list) =
        String.Join(", ", names |> List.map (sprintf "\"%s\""))

    let digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes token))
    $"{{ \"name\": \"{name}\", \"sha256\": \"{digest}\", \"cells\": [{list cells}], \"prefixes\": [{list prefixes}] }}"

let host7 = entry "host-7" token [ "cell-7"; "build-*" ] [ ""; "nightly/7" ]
let host8 = entry "host-8" otherToken [ "*" ] [ "nightly/*" ]

/// Writes a file of tokens into the folder.
let writeTokens (folder: Folder) (entries: string list) =
    folder.Write("tokens.json", "[\n" + String.Join(",\n", entries) + "\n]\n")

type Answer = {
    Status: int
    /// The JSON of the body; an empty object if it is not JSON.
    Body: JsonNode
    Headers: HttpResponseHeaders
}

/// A broker that runs. Its log is kept, for the tests to read.
type Broker(started: Process, log: ConcurrentQueue<string>, client: HttpClient, address: string) =
    member _.Address = address
    member _.Pid = started.Id
    member _.Log = String.Join('\n', log)

    member _.Send
        (method: string, path: string, token: string option, content: HttpContent | null)
        : Task<Answer> =
        task {
            use message = new HttpRequestMessage(HttpMethod method, path)
            message.Content <- content

            match token with
            | Some token -> message.Headers.Authorization <- AuthenticationHeaderValue("Bearer", token)
            | None -> ()

            use! response = client.SendAsync message
            let! body = response.Content.ReadAsStringAsync()
            let isJson = body.StartsWith '{'

            return {
                Status = int response.StatusCode
                Body = (if isJson then nonNull (JsonNode.Parse body) else JsonObject())
                Headers = response.Headers
            }
        }

    member this.PostText(token: string option, body: string) =
        this.Send("POST", "/v1/urls", token, new StringContent(body, Encoding.UTF8, "application/json"))

    member this.Post(token: string, request: JsonObject) =
        this.PostText(Some token, request.ToJsonString())

    /// Ends the broker as an operator does, and waits for its end.
    member _.StopAsync() =
        task {
            use kill = Process.Start("kill", [ "-TERM"; string started.Id ])
            do! kill.WaitForExitAsync()
            use limit = new CancellationTokenSource(patience)
            do! started.WaitForExitAsync limit.Token
            return started.ExitCode
        }

    /// Ends the broker without giving it time to clean up.
    member _.KillAsync() =
        task {
            started.Kill()
            do! started.WaitForExitAsync()
        }

    interface IDisposable with
        member _.Dispose() =
            if not started.HasExited then
                started.Kill()
                started.WaitForExit()

            started.Dispose()
            client.Dispose()

let private info (variables: (string * string) list) (settings: (string * string) list) =
    let info =
        ProcessStartInfo(
            "dotnet",
            program :: [ for name, value in settings -> $"--{name}={value}" ],
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath()
        )

    for name in List.ofSeq info.Environment.Keys do
        if Regex.IsMatch(name, "^(AWS_|ASPNETCORE_|CELLOS_)") then
            info.Environment.Remove name |> ignore

    for name, value in ("AWS_EC2_METADATA_DISABLED", "true") :: ("HOME", "/nonexistent") :: variables do
        info.Environment[name] <- value

    info

let private connect (address: string) =
    match address.Split "unix:" with
    | [| _; path |] ->
        let handler =
            new SocketsHttpHandler(
                ConnectCallback =
                    fun _ cancellation ->
                        ValueTask<Stream>(
                            task {
                                let socket =
                                    new Socket(
                                        AddressFamily.Unix,
                                        SocketType.Stream,
                                        ProtocolType.Unspecified
                                    )

                                do! socket.ConnectAsync(UnixDomainSocketEndPoint path, cancellation)
                                return new NetworkStream(socket, true) :> Stream
                            }
                        )
            )

        new HttpClient(handler, true, BaseAddress = Uri "http://localhost")
    | _ -> new HttpClient(BaseAddress = Uri address)

/// Starts a broker that listens on this URL.
let startAt
    (url: string)
    (variables: (string * string) list)
    (settings: (string * string) list)
    : Task<Broker> =
    task {
        let log = ConcurrentQueue<string>()

        let address =
            TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously)

        let started =
            new Process(StartInfo = info variables (("urls", url) :: settings), EnableRaisingEvents = true)

        let hear (line: string | null) =
            match line with
            | null -> ()
            | line ->
                log.Enqueue line
                let found = Regex.Match(line, "Now listening on: ([^\"]+)")

                if found.Success then
                    address.TrySetResult found.Groups[1].Value |> ignore

        started.OutputDataReceived.Add(fun line -> hear line.Data)
        started.ErrorDataReceived.Add(fun line -> hear line.Data)

        started.Exited.Add(fun _ ->
            address.TrySetException(Exception("The broker ended:\n" + String.Join('\n', log)))
            |> ignore)

        started.Start() |> ignore
        started.BeginOutputReadLine()
        started.BeginErrorReadLine()

        try
            let! address = address.Task.WaitAsync patience
            return new Broker(started, log, connect address, address)
        with error ->
            if not started.HasExited then
                started.Kill()

            return raise error
    }

/// Runs a broker that cannot start, to its end.
let runToEnd (url: string) (settings: (string * string) list) =
    task {
        use started = nonNull (Process.Start(info keys (("urls", url) :: settings)))
        let output = started.StandardOutput.ReadToEndAsync()
        let! error = started.StandardError.ReadToEndAsync()
        let! output = output
        use limit = new CancellationTokenSource(patience)

        try
            do! started.WaitForExitAsync limit.Token
        finally
            if not started.HasExited then
                started.Kill()

        return started.ExitCode, output + error
    }

/// The settings of a broker for this store, with the tokens of a folder.
let settingsFor (store: LoopbackS3Server) (folder: Folder) = [
    "Broker:Endpoint", store.Endpoint.AbsoluteUri
    "Broker:PathStyle", "true"
    "Broker:Region", region
    "Broker:Buckets:0", "evidence"
    "Broker:TokensFile", writeTokens folder [ host7; host8 ]
]

let anyPort = "http://127.0.0.1:0"

/// A broker on a free port of the loopback, with the keys of the store.
let startBroker (settings: (string * string) list) = startAt anyPort keys settings

/// Proves that a request was refused with this status, for this reason, and without a secret.
let isRefused (status: int) (reason: string) (answer: Answer) =
    Expect.equal answer.Status status $"{answer.Body}"
    let message = text [ "error"; "message" ] answer.Body
    Expect.stringContains message reason "the reason"

    for secret in token :: otherToken :: secrets do
        Expect.isFalse (message.Contains secret) $"no '{secret}' in {message}"
