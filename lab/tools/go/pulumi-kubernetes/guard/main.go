// A guard in front of Pulumi's Kubernetes provider, for the lab: `guard PROVIDER ARGS...` starts the provider, whichever
// it is (installed or built), passes every call on as it is, and refuses two: to be configured for an API server that is not
// the lab's (a rehearsal never touches a real cluster, whatever a config or a kubeconfig says), and to create what exists
// (exists.go). It also ends the provider as soon as the engine is gone: the engine holds the other end of our standard
// input. However the guard itself ends, the kernel ends the provider with it.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// The limit of Pulumi's own plugins.
const largestMessage = 400 << 20

func main() {
	// The kernel ends the provider with the thread that started it: this one lives as long as the process.
	runtime.LockOSThread()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	lab := os.Getenv("INFERENCE_LAB_SERVER")
	if lab == "" {
		return errors.New("pulumi-resource-kubernetes is guarded for the rehearsal lab and runs only inside one " +
			"(INFERENCE_LAB_SERVER is not set). For a real cluster use a Pulumi installation with the real plugins.")
	}
	if len(os.Args) < 2 {
		return errors.New("usage: guard PROVIDER [ARGS...]")
	}
	provider, port, err := start(os.Args[1], os.Args[2:])
	if err != nil {
		return err
	}
	defer func() { _ = provider.Process.Kill() }()
	connection, err := grpc.NewClient("127.0.0.1:"+port,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(largestMessage), grpc.MaxCallSendMsgSize(largestMessage)))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.MaxRecvMsgSize(largestMessage), grpc.MaxSendMsgSize(largestMessage),
		grpc.UnknownServiceHandler(forward(connection, &guard{lab: lab})))
	ended := make(chan error, 4)
	go func() { ended <- server.Serve(listener) }()
	go func() { ended <- provider.Wait() }()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		ended <- nil
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		ended <- nil
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return <-ended
}

// Starts the provider and returns the port that it prints first.
func start(program string, args []string) (*exec.Cmd, string, error) {
	command := exec.Command(program, args...)
	command.Stderr = os.Stderr
	// An engine that dies before it has read our port ends us by SIGPIPE: no deferred function runs then.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := command.Start(); err != nil {
		return nil, "", err
	}
	lines := bufio.NewReader(output)
	line, err := lines.ReadString('\n')
	if err != nil {
		_ = command.Process.Kill()
		return nil, "", fmt.Errorf("%s ended before it said where it listens: %w", program, err)
	}
	go func() { _, _ = io.Copy(os.Stdout, lines) }()
	return command, strings.TrimSpace(line), nil
}

// Passes calls on, byte by byte, once the guard has looked at them.
func forward(connection *grpc.ClientConn, guarded *guard) grpc.StreamHandler {
	return func(_ any, incoming grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(incoming)
		ctx, cancel := context.WithCancel(incoming.Context())
		defer cancel()
		outgoing, err := connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
		if err != nil {
			return err
		}
		asked := make(chan error, 1)
		go func() { asked <- requests(incoming, outgoing, method, guarded) }()
		answered := make(chan error, 1)
		go func() { answered <- responses(incoming, outgoing) }()
		for {
			select {
			case err := <-asked:
				if err != nil {
					return err
				}
				asked = nil
			case err := <-answered:
				incoming.SetTrailer(outgoing.Trailer())
				return err
			}
		}
	}
}

func requests(from grpc.ServerStream, to grpc.ClientStream, method string, guarded *guard) error {
	for {
		var message frame
		if err := from.RecvMsg(&message); err != nil {
			if errors.Is(err, io.EOF) {
				return to.CloseSend()
			}
			return err
		}
		if err := guarded.check(from.Context(), method, message.bytes); err != nil {
			return err
		}
		if err := to.SendMsg(&message); err != nil {
			// The provider's own error comes with its answer.
			return nil
		}
	}
}

func responses(to grpc.ServerStream, from grpc.ClientStream) error {
	for {
		var message frame
		if err := from.RecvMsg(&message); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := to.SendMsg(&message); err != nil {
			return err
		}
	}
}

// A message as it is on the wire.
type frame struct{ bytes []byte }

type raw struct{}

func (raw) Marshal(value any) ([]byte, error) { return value.(*frame).bytes, nil }

func (raw) Unmarshal(data []byte, value any) error {
	value.(*frame).bytes = append([]byte(nil), data...)
	return nil
}

func (raw) Name() string { return "proto" }
