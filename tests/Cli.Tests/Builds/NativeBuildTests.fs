/// What `./build.sh native` and `./build.sh image` say where a program that they need is missing.
module Cli.Tests.NativeBuildTests

open System
open System.IO
open Expecto
open Cli.Tests.Support

/// Runs it with these commands alone on the PATH: a command of this machine, or a script of this text.
let private build (command: string) (commands: (string * string option) list) =
    task {
        use folder = new Folder()

        for name, script in [ "bash", None; "dirname", None; "uname", None; "mkdir", None ] @ commands do
            let path = folder.At name

            match script with
            | None -> File.CreateSymbolicLink(path, (shell "command -v \"$0\"" name).Trim()) |> ignore
            | Some text ->
                File.WriteAllText(path, text)
                File.SetUnixFileMode(path, UnixFileMode.UserRead ||| UnixFileMode.UserExecute)

        let script = Path.Combine(root, "build.sh")

        use started =
            new Child("bash", [ script; command; folder.At "made" ], [ "PATH", folder.Path ])

        let! struct (code, output, error) = started.End()
        Expect.equal (code, output) (2, "") error
        Expect.isFalse (Directory.Exists(folder.At "made")) "nothing is made"
        return error
    }

let private linker (status: int) =
    Some $"#!/usr/bin/env bash\nwhile read -r line; do :; done\nexit {status}\n"

[<Tests>]
let tests =
    testList "build.sh says what to install" [
        for command, name, commands, parts in
            [
                "native",
                "without a C compiler",
                [],
                [ "no C compiler"; "gcc or clang"; "apt-get install gcc libc6-dev" ]
                "native",
                "where the compiler does not find the C library",
                [ "gcc", linker 1 ],
                [ "gcc cannot link"; "apt-get install libc6-dev" ]
                "native",
                "where clang does not find the C library, whatever gcc does",
                [ "clang", linker 1; "gcc", linker 0 ],
                [ "clang cannot link"; "apt-get install libc6-dev" ]
                "native",
                "without objcopy",
                [ "gcc", linker 0 ],
                [ "objcopy is not"; "apt-get install binutils" ]
                "image", "without umoci", [], [ "umoci is not"; "apt-get install umoci" ]
            ] do
            testCaseTask $"{command}: {name}" (fun () ->
                task {
                    if not (OperatingSystem.IsLinux()) then
                        skiptest "the native tool is made on Linux"

                    let! error = build command commands

                    for part in parts do
                        Expect.stringContains error part name
                })
    ]
