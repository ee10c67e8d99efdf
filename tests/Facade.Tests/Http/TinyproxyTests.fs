/// Exports through a real proxy, tinyproxy, where it is installed.
module Facade.Tests.TinyproxyTests

open System
open System.Diagnostics
open System.IO
open System.Net.Sockets
open CellOS.Export
open Expecto
open Facade.Tests.ProxySupport
open Facade.Tests.Support

let private program =
    let folders =
        Environment.GetEnvironmentVariable "PATH"
        |> Option.ofObj
        |> Option.defaultValue ""

    folders.Split Path.PathSeparator
    |> Array.map (fun folder -> Path.Combine(folder, "tinyproxy"))
    |> Array.tryFind File.Exists

/// A process of tinyproxy on a port of its own, which ends with the test.
type private Tinyproxy(program: string, settings: string list) =
    let folder = new Folder()

    let port =
        use free = new DeadPort()
        free.Port

    let log = folder.At "tinyproxy.log"

    let configuration = [
        $"Port {port}"
        "Listen 127.0.0.1"
        "Allow 127.0.0.1"
        "Timeout 60"
        "MaxClients 20"
        "LogLevel Info"
        $"LogFile \"{log}\""
        yield! settings
    ]

    let running =
        File.WriteAllLines(folder.At "tinyproxy.conf", configuration)
        let start = ProcessStartInfo(program, [ "-d"; "-c"; folder.At "tinyproxy.conf" ])
        start.RedirectStandardOutput <- true
        start.RedirectStandardError <- true
        nonNull (Process.Start start)

    let lines () =
        if File.Exists log then
            use stream =
                new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)

            use reader = new StreamReader(stream)
            reader.ReadToEnd().Split '\n' |> List.ofArray
        else
            []

    let has (text: string) (line: string) = line.Contains text

    /// Whether it came up; not, if somebody else took its port meanwhile.
    member _.CameUp() =
        task {
            let isUp () =
                lines () |> List.exists (has "Accepting connections")

            do! waitFor "tinyproxy" (fun () -> isUp () || running.HasExited)
            return not running.HasExited
        }

    member _.Output = running.StandardError.ReadToEnd()
    member _.Authority = $"127.0.0.1:{port}"

    /// The requests that it took, as its log tells them.
    member _.Requests = lines () |> List.filter (has "Request (file descriptor")

    interface IDisposable with
        member _.Dispose() =
            if not running.HasExited then
                running.Kill()
                running.WaitForExit()

            running.Dispose()
            (folder :> IDisposable).Dispose()

let private tinyproxy settings =
    let rec start (program: string) (tries: int) =
        task {
            let proxy = new Tinyproxy(program, settings)
            let! isUp = proxy.CameUp()

            if isUp then
                return proxy
            else
                let output = proxy.Output
                (proxy :> IDisposable).Dispose()

                if tries = 1 then
                    return failtest $"tinyproxy does not start: {output}"
                else
                    return! start program (tries - 1)
        }

    match program with
    | Some program -> start program 5
    | None -> skiptest "needs tinyproxy on the PATH (Debian's package tinyproxy)"

let private variable (scheme: string) = scheme.ToUpperInvariant() + "_PROXY"

/// Its configuration takes letters, digits and little else.
let private secret = "p5ecret-_."

/// Each character of it percent-encoded, as an operator may have it.
let private login =
    let escaped = secret |> String.collect (fun c -> $"%%{int c:X2}")
    $"{user}:{escaped}"

[<Tests>]
let tests =
    testList "tinyproxy" [
        for scheme, verb in [ "http", "PUT"; "https", "CONNECT" ] do
            testCaseTask $"lets an export through: {scheme}" (fun () ->
                task {
                    use! proxy = tinyproxy []
                    use! lab = lab ()
                    let! receipt = lab.Exported scheme [ variable scheme, $"http://{proxy.Authority}" ]
                    Expect.equal receipt.Attempts 1 "at once"
                    Expect.stringContains (List.exactlyOne proxy.Requests) verb "it was asked"

                    Expect.equal
                        ((Seq.exactlyOne lab.Server.Requests).Headers.ContainsKey "Via")
                        (scheme = "http")
                        "it reads what is plain, and only that"
                })

            testCaseTask $"lets an export through that knows user name and password: {scheme}" (fun () ->
                task {
                    use! proxy = tinyproxy [ $"BasicAuth {user} {secret}" ]
                    use! lab = labWith (patterned 5_000_000)

                    let! receipt =
                        lab.Exported scheme [ variable scheme, $"http://{login}@{proxy.Authority}" ]

                    Expect.equal receipt.Attempts 1 "at once"
                    Expect.equal (Seq.length lab.Server.Requests) 1 "one request"
                })

            testCaseTask $"refuses who does not know them: {scheme}" (fun () ->
                task {
                    use! proxy = tinyproxy [ $"BasicAuth {user} {secret}" ]

                    // It says 401 to who gives others, which is meant for servers (RFC 9110, 15.5.2).
                    for userInfo, status, advice in
                        [
                            "", 407, "The proxy wants a user name and a password"
                            $"{user}:wr0ngp5ecret@", 401, "user name and password in"
                        ] do
                        use! lab = labWith (patterned 5_000_000)

                        let! failure =
                            lab.Failed scheme [ variable scheme, $"http://{userInfo}{proxy.Authority}" ]

                        Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                        Expect.equal failure.StatusCode (Nullable(enum status)) "status"
                        Expect.equal failure.Attempts 1 "attempts"

                        Expect.stringContains failure.Message advice "what to do"
                })

            testCaseTask $"says that it cannot reach the server, and that is tried again: {scheme}" (fun () ->
                task {
                    use! proxy = tinyproxy []
                    use! lab = lab ()
                    use dead = new DeadPort()

                    let! outcome =
                        lab.Push scheme [
                            variable scheme, $"http://{proxy.Authority}"
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                            $"{scheme}://127.0.0.1:{dead.Port}/k"
                        ]

                    let failure = Expect.wantError outcome "no receipt"
                    Expect.equal failure.StatusCode (Nullable(enum 500)) "status"
                    Expect.equal failure.Attempts 3 "attempts"
                })

        testCaseTask "refuses a port that is not for tunnels" (fun () ->
            task {
                use! proxy = tinyproxy [ "ConnectPort 443" ]
                use! lab = lab ()
                let! failure = lab.Failed "https" [ "HTTPS_PROXY", $"http://{proxy.Authority}" ]
                Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                Expect.equal failure.StatusCode (Nullable(enum 403)) "status"
                Expect.equal failure.Attempts 1 "attempts"
                Expect.stringContains failure.Message "to allow tunnels (CONNECT)" "what to do"
            })
    ]
