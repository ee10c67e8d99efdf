/// Responses as they come from the wire, after the whole body was sent.
module CellOS.Export.S3.Core.Tests.Responses

open System
open System.Collections.Generic
open System.Text
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Stories

let private read status bodyEnd (headers: (string * string) list) (body: string) =
    Reply.read
        status
        [ for name, value in headers -> KeyValuePair(name, value) ]
        (ReadOnlyMemory(Encoding.UTF8.GetBytes body))
        bodyEnd
        (Some sent)

/// A response with headers and a body.
let response status headers body = read status BodyEnd.Whole headers body

/// A success of whose body this much was read.
let ended bodyEnd headers body = read 200 bodyEnd headers body

/// An S3 error document with these elements behind the code.
let s3 status code (elements: (string * string) list) =
    let inner =
        elements
        |> List.map (fun (name, text) -> $"<{name}>{text}</{name}>")
        |> String.concat ""

    response status [ "x-amz-request-id", "REQ1" ] $"<Error><Code>{code}</Code>{inner}</Error>"

/// An HTML page of this server.
let page status server (words: string) =
    response
        status
        [ "Content-Type", "text/html"; "Server", server ]
        $"<html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>"
