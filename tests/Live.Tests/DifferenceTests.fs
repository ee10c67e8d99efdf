/// Where Ceph's gateway is known to differ from AWS, said out loud; and what holds with both.
module Live.Tests.DifferenceTests

open System
open System.Net
open System.Net.Http
open System.Net.Sockets
open System.Text
open Expecto
open Live.Tests.Evidence
open Live.Tests.Store

let private plainPut (url: string) (body: byte[]) (headers: (string * string) list) =
    task {
        use client = new HttpClient()

        use request =
            new HttpRequestMessage(HttpMethod.Put, url, Content = new ByteArrayContent(body))

        for name, value in headers do
            request.Headers.TryAddWithoutValidation(name, value) |> ignore

        use! response = client.SendAsync request
        let! text = response.Content.ReadAsStringAsync()
        return response.StatusCode, text
    }

[<Tests>]
let tests =
    testList "a difference" [
        testCaseTask
            "an x-amz header that the signature does not cover: AWS refuses it, RGW may take it; the sink never sends one"
            (fun () ->
                task {
                    let! bucket = plainBucket ()
                    let cell = newCell "unsigned"

                    let! status, text =
                        plainPut (presign bucket $"{cell}/f") "x"B [ "x-amz-meta-note", "unsigned" ]

                    Expect.isTrue
                        (status = HttpStatusCode.OK
                         || status = HttpStatusCode.Forbidden && text.Contains "AccessDenied")
                        $"{status}: {text}"

                    use folder = new Folder()
                    let path = folder.Write("f", "x"B)

                    let! outcome = push (optionsFor (presign bucket $"{cell}/g") bucket cell) "g" path

                    let receipt = Expect.wantOk outcome "a receipt"
                    let! stored = isTrue receipt bucket $"{cell}/g" path
                    Expect.isTrue stored.Metadata.IsEmpty "nothing that was not asked for"
                })

        testCaseTask
            "a refusal without a message: AWS has one, RGW may leave it empty; the failure says what to do with both"
            (fun () ->
                task {
                    let! bucket = plainBucket ()
                    use folder = new Folder()
                    let path = folder.Write("f", "x"B)
                    let cell = newCell "message"
                    let url = presign bucket $"{cell}/f"
                    let! outcome = push (optionsFor (url + "0") bucket cell) "f" path
                    let failure = Expect.wantError outcome "no receipt"
                    Expect.stringContains failure.Message "SignatureDoesNotMatch" "the code"
                    Expect.stringContains failure.Message "403" "the status"
                    Expect.isFalse (failure.Message.Contains "()") "and no empty brackets"
                    Expect.isFalse (failure.Message.Contains ": .") "and no empty sentence"
                })

        testCaseTask
            "a body that ends too early: whatever the code, it is no success and stores nothing"
            (fun () ->
                task {
                    plainEndpoint () |> ignore
                    let! bucket = plainBucket ()
                    let cell = newCell "short"
                    let url = Uri(presign bucket $"{cell}/f")
                    use socket = new TcpClient()
                    do! socket.ConnectAsync(url.Host, url.Port)
                    use stream = socket.GetStream()

                    let head =
                        $"PUT {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Length: 1000\r\n\r\n"

                    do! stream.WriteAsync(Encoding.ASCII.GetBytes(head + String('x', 500)))
                    socket.Client.Shutdown SocketShutdown.Send
                    use reader = new IO.StreamReader(stream)
                    let! reply = reader.ReadLineAsync()

                    // RGW: 404 NoSuchKey; AWS: 400 IncompleteBody or RequestTimeout; or no answer at all.
                    match reply with
                    | null -> ()
                    | line -> Expect.isMatch line "^HTTP/1.1 [45]" "no success"

                    do! isNotStored bucket $"{cell}/f"
                })
    ]
