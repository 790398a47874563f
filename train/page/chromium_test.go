package page

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium that is spoken to over a pipe (DevTools protocol,
// --remote-debugging-pipe: JSON texts that end with a zero byte), so that a test
// needs no library and no port.
type browser struct {
	t       *testing.T
	out     io.Writer
	session string // of the one page

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	loaded  chan bool
	asked   []string // addresses that the page asked for
	console []string // errors and exceptions
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// open starts Chromium; without one the test is skipped.
func open(t *testing.T) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		t.Skip("chromium is not installed: apt install chromium")
	}
	theirs, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, back, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
		"--user-data-dir="+t.TempDir(), "about:blank")
	c.ExtraFiles = []*os.File{theirs, back} // 3: what it reads, 4: what it writes
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	back.Close()
	b := &browser{t: t, out: out, waiting: map[int]chan answer{}, loaded: make(chan bool, 1)}
	ended := make(chan bool)
	go func() { b.listen(in); close(ended) }()
	t.Cleanup(func() {
		b.session = ""
		b.ask("Browser.close", nil, nil)
		done := make(chan error, 1)
		go func() { done <- c.Wait() }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			c.Process.Kill()
			<-done
		}
		out.Close()
		in.Close()
		<-ended
	})
	var made struct{ TargetID, SessionID string }
	b.must("Target.createTarget", map[string]any{"url": "about:blank"}, &made)
	b.must("Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &made)
	b.session = made.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.must(domain+".enable", nil, nil)
	}
	return b
}

// listen takes answers to those who wait, and keeps events.
func (b *browser) listen(in io.Reader) {
	r := bufio.NewReaderSize(in, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			answer
			ID     int
			Method string
			Params struct {
				Request          struct{ URL string }
				Entry            struct{ Level, Text string }
				Type             string
				ExceptionDetails json.RawMessage
				Args             json.RawMessage
			}
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case m.ID > 0 && b.waiting[m.ID] != nil:
			b.waiting[m.ID] <- m.answer
			delete(b.waiting, m.ID)
		case m.Method == "Page.loadEventFired":
			select {
			case b.loaded <- true:
			default:
			}
		case m.Method == "Network.requestWillBeSent":
			b.asked = append(b.asked, m.Params.Request.URL)
		case m.Method == "Runtime.exceptionThrown":
			b.console = append(b.console, string(m.Params.ExceptionDetails))
		case m.Method == "Log.entryAdded" && m.Params.Entry.Level != "verbose" && m.Params.Entry.Level != "info":
			b.console = append(b.console, m.Params.Entry.Text)
		case m.Method == "Runtime.consoleAPICalled" && (m.Params.Type == "error" || m.Params.Type == "warning"):
			b.console = append(b.console, string(m.Params.Args))
		}
		b.mu.Unlock()
	}
}

// ask calls a method and waits for its result.
func (b *browser) ask(method string, params map[string]any, result any) error {
	b.mu.Lock()
	b.next++
	id, wait := b.next, make(chan answer, 1)
	b.waiting[id] = wait
	b.mu.Unlock()
	m := map[string]any{"id": id, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := b.out.Write(append(text, 0)); err != nil {
		return err
	}
	select {
	case a := <-wait:
		if a.Error != nil {
			return fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		if result != nil {
			return json.Unmarshal(a.Result, result)
		}
		return nil
	case <-time.After(60 * time.Second):
		return errors.New(method + ": no answer")
	}
}

func (b *browser) must(method string, params map[string]any, result any) {
	b.t.Helper()
	if err := b.ask(method, params, result); err != nil {
		b.t.Fatal(err)
	}
}

// visit shows a file at a width, as a phone does below 600 pixels.
func (b *browser) visit(path string, width, height int) {
	b.t.Helper()
	phone := width < 600
	b.must("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}, nil)
	b.must("Emulation.setTouchEmulationEnabled", map[string]any{"enabled": phone}, nil)
	select {
	case <-b.loaded:
	default:
	}
	b.must("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	select {
	case <-b.loaded:
	case <-time.After(60 * time.Second):
		b.t.Fatal("the page does not load")
	}
}

// eval runs an expression on the page; what it gives is text.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	b.must("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	return fmt.Sprint(r.Result.Value)
}

// until waits for an expression to give want.
func (b *browser) until(expression, want string) {
	b.t.Helper()
	got := ""
	for range 200 {
		if got = b.eval(expression); got == want {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	b.t.Errorf("%s is %q, want %q", expression, got, want)
}

func (b *browser) mouse(kind string, x, y float64, button string, clicks int) {
	b.t.Helper()
	b.must("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": button, "clickCount": clicks}, nil)
}

// click clicks on the middle of an element.
func (b *browser) click(selector string) {
	b.t.Helper()
	x, y := b.middle(selector)
	b.mouse("mouseMoved", x, y, "none", 0)
	b.mouse("mousePressed", x, y, "left", 1)
	b.mouse("mouseReleased", x, y, "left", 1)
}

// tap presses at a place, with a finger or the mouse.
func (b *browser) tap(x, y float64, finger bool) {
	b.t.Helper()
	if !finger {
		b.mouse("mousePressed", x, y, "left", 1)
		b.mouse("mouseReleased", x, y, "left", 1)
		return
	}
	b.must("Input.dispatchTouchEvent", map[string]any{"type": "touchStart", "touchPoints": []any{map[string]any{"x": x, "y": y}}}, nil)
	b.must("Input.dispatchTouchEvent", map[string]any{"type": "touchEnd", "touchPoints": []any{}}, nil)
}

// middle scrolls an element into view, and says where its middle is.
func (b *browser) middle(selector string) (x, y float64) {
	b.t.Helper()
	text := b.eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return (r.left + r.width / 2) + ' ' + (r.top + r.height / 2); })()`, selector))
	if _, err := fmt.Sscan(text, &x, &y); err != nil {
		b.t.Fatalf("%s: %q", selector, text)
	}
	return x, y
}

// key presses a key by its DOM name; text is what it types.
func (b *browser) key(name, text string) {
	b.t.Helper()
	code := map[string]int{"Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36}[name]
	down := map[string]any{"type": "keyDown", "key": name, "windowsVirtualKeyCode": code}
	if text != "" {
		down["text"] = text
	}
	b.must("Input.dispatchKeyEvent", down, nil)
	b.must("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "windowsVirtualKeyCode": code}, nil)
}

func (b *browser) write(text string) {
	b.t.Helper()
	b.must("Input.insertText", map[string]any{"text": text}, nil)
}

// picture saves what is seen as PNG.
func (b *browser) picture(path string) {
	b.t.Helper()
	var r struct{ Data string }
	b.must("Page.captureScreenshot", map[string]any{"format": "png"}, &r)
	b.save(path, r.Data)
}

// print makes a PDF; it returns its bytes.
func (b *browser) print() []byte {
	b.t.Helper()
	var r struct{ Data string }
	b.must("Page.printToPDF", map[string]any{"printBackground": false, "paperWidth": 8.27, "paperHeight": 11.69}, &r)
	text, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *browser) save(path, data string) {
	b.t.Helper()
	text, err := base64.StdEncoding.DecodeString(data)
	if err == nil {
		err = os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// quiet checks that nothing was asked for but the page itself and what is inside,
// and that the console is empty.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, url := range b.asked {
		if !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "file:///") && !strings.HasPrefix(url, "about:") {
			b.t.Errorf("the page asked for %s", url)
		}
	}
	n := 0
	for _, url := range b.asked {
		if strings.HasPrefix(url, "file:///") {
			n++
		}
	}
	if n != 1 {
		b.t.Errorf("%d files were read: %q", n, b.asked)
	}
	for _, text := range b.console {
		if strings.Contains(text, "willReadFrequently") { // of the tests, which look at the canvas
			continue
		}
		b.t.Errorf("console: %s", text)
	}
	b.asked, b.console = nil, nil
}
